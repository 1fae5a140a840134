"""NAS-Bench-201 (Dong and Yang, ICLR 2020), in NATS-Bench the topology space: 15,625 cells, 6,466 of them distinct.

Digits: 0 none, 1 skip connection, 2 convolution 1x1, 3 convolution 3x3, 4 average pooling 3x3. Isomorphic are cells
with the same "unique string" of NATS-Bench. That string knows skips, zeros and the order of summands; it does not know
edges that lead nowhere, and takes two convolutions of equal inputs for one (so it merges some cells that compute
different things).
"""

import re

from archlock.spaces.cell import EDGES, CellSpace

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


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


nasbench201 = CellSpace("nasbench201", OPERATIONS, write=write, read=read, class_key=unique_string)
