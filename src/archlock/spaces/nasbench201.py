"""NAS-Bench-201 (Dong and Yang, ICLR 2020), in NATS-Bench the topology space: 15,625 cells, 6,466 of them distinct.

Digits: 0 none, 1 skip connection, 2 convolution 1x1, 3 convolution 3x3, 4 average pooling 3x3. Isomorphic are cells
with the same "unique string" of NATS-Bench. That string knows skips, zeros and the order of summands; it does not know
edges that lead nowhere, and takes two convolutions of equal inputs for one (so it merges some cells that compute
different things). Distinct functions (``simplify``) there are 5,044: 430 of the official classes hold more than one,
and 792 functions lie in more than one class.
"""

import re

from archlock.spaces.cell import EDGES, CellSpace
from archlock.spaces.functions import NONE, POOL, SKIP, normal_form

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
KINDS = (NONE, SKIP, "conv1x1", "conv3x3", POOL)
"""The operations as :mod:`archlock.spaces.functions` knows them, by digit."""


def write(code: str) -> str:
    """Official string, for example ``|avg_pool_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|``."""
    by_head: dict[int, str] = {}
    for digit, (tail, head) in zip(code, EDGES, strict=True):
        by_head[head] = by_head.get(head, "|") + f"{OPERATIONS[int(digit)]}~{tail}|"
    return "+".join(by_head.values())


def read(text: str) -> str | None:
    """Code of an official string; None if it is not one."""
    names = re.findall(r"([a-z_0-9]+)~\d", text)
    if len(names) != len(EDGES) or not set(names) <= set(OPERATIONS):
        return None
    code = "".join(str(OPERATIONS.index(name)) for name in names)
    return code if write(code) == text else None


def unique_string(code: str) -> str:
    """What the cell computes, written out from the input (``0``): summands sorted, skips left out, zero written ``#``.

    This is the class of NATS-Bench (``to_unique_str`` with ``consider_zero``).
    """
    nodes = ["0"]
    for head in (1, 2, 3):
        summands = []
        for digit, (tail, end) in zip(code, EDGES, strict=True):
            if end != head:
                continue
            operation = OPERATIONS[int(digit)]
            if operation == "none" or nodes[tail] == "#":
                summands.append("#")
            else:
                summands.append(nodes[tail] if operation == "skip_connect" else f"({nodes[tail]})@{operation}")
        nodes.append("+".join(sorted(summands)))
    return nodes[-1]


def function(code: str) -> str:
    """The normal form of what the cell computes."""
    return normal_form([KINDS[int(digit)] for digit in code])


nasbench201 = CellSpace(
    "nasbench201", OPERATIONS, write=write, read=read, class_key=unique_string, function_key=function
)
