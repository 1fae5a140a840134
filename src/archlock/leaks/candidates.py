"""How many networks an observation leaves: over the convolutions that were read, what the observer cannot tell apart.

As in Cache Telepathy (Yan et al., USENIX Security 2020), as the logarithm of a product. A convolution has a kernel and
a stride that the reader has not ruled out, a number of output channels that follows from its bytes where those are seen
(once the stride is known), and groups. It is a count of shapes, not of ways to wire them.
"""

import math
from collections.abc import Collection
from typing import Final

from archlock.leaks.operators import CONVOLUTIONS
from archlock.leaks.reader import Reading

KERNELS: Final = (1, 3, 5, 7)
STRIDES: Final = (1, 2)
GROUPINGS: Final = 6
"""Numbers of groups that a grouped convolution may have: 2, 4, 8, 16, 32, 64."""


def log_candidates(reading: Reading, channels: Collection[int], *, sees_sizes: bool) -> float:
    """Decimal logarithm of the number of networks that are left.

    ``channels`` are those that occur among the networks the reader was taught by, each a possibility for whoever sees
    no sizes. Rows that are no convolutions leave nothing open.
    """
    return sum(
        math.log10(row.likely * (1 if sees_sizes else max(1, len(set(channels)))) * _groupings(row.kinds[0]))
        for row in reading.rows
        if row.kinds[0] in CONVOLUTIONS
    )


def log_all(convolutions: int, channels: Collection[int]) -> float:
    """The same for somebody who only knows how many convolutions there are."""
    each = len(KERNELS) * len(STRIDES) * max(1, len(set(channels))) * (2 + GROUPINGS)
    return convolutions * math.log10(each)


def _groupings(kind: str) -> int:
    return GROUPINGS if kind == "grouped" else 1
