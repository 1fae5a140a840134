"""The micro (cell) space of TransNAS-Bench-101 (Duan et al., CVPR 2021): 4,096 cells.

Digits: 0 none, 1 skip connection, 2 convolution 1x1, 3 convolution 3x3. Isomorphic are cells that are equal once their
dead edges are removed (2,128 classes); the benchmark itself names no equivalence. Distinct functions there are 1,376.
"""

import re

import numpy as np

from archlock.spaces.cell import EDGES, CellSpace, without_dead_edges
from archlock.spaces.functions import NONE, SKIP, normal_form

OPERATIONS = (NONE, SKIP, "conv1x1", "conv3x3")


def write(code: str) -> str:
    """Official string: base width, module types of the fixed skeleton, and the cell node by node."""
    return f"64-41414-{code[0]}_{code[1:3]}_{code[3:]}"


def read(text: str) -> str | None:
    """Code of an official string; None if it is not one."""
    match = re.fullmatch(r"64-41414-([0-3])_([0-3]{2})_([0-3]{3})", text)
    return "".join(match.groups()) if match else None


def pruned(code: str) -> str:
    """The code with 0 on every dead edge."""
    digits = np.frombuffer(code.encode(), dtype=np.uint8)[None] - np.uint8(ord("0"))
    return "".join(map(str, without_dead_edges(digits)[0]))


def function(code: str) -> tuple[str, str]:
    """The normal forms of the two kinds of cell in a network: one that changes nothing, and one that widens or shrinks.

    In the second kind a skip out of the input has weights (``FactorisedReduction`` in ``archlock.models``), and two of
    them are two draws. Cells are the same function only if they are in both places.
    """
    names = [OPERATIONS[int(digit)] for digit in code]
    changing = [
        "reduction" if (name, tail) == (SKIP, 0) else name for name, (tail, _) in zip(names, EDGES, strict=True)
    ]
    return normal_form(names), normal_form(changing)


transnas101_micro = CellSpace(
    "transnas101_micro", OPERATIONS, write=write, read=read, class_key=pruned, function_key=function
)
