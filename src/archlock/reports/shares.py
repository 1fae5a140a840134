"""A share of so many, with the interval in which it lies."""

import math
from dataclasses import dataclass
from typing import Final

from archlock.errors import MeasurementError

_NORMAL: Final = 1.959963984540054
"""Half of the width of a 95 % interval, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share in [0, 1] with its two-sided 95 % interval."""

    value: float
    low: float
    high: float


def wilson(count: int, total: int) -> Share:
    """``count`` of ``total``, with the score interval, which stays in [0, 1] and is not empty at 0 and 1.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927. A total below 1, and a
    count that is not within it, raise MeasurementError.
    """
    if total < 1 or not 0 <= count <= total:
        raise MeasurementError(f"a share needs a count from 0 to a total of at least 1; got {count} of {total}")
    share, squared = count / total, _NORMAL**2 / total
    middle = (share + squared / 2) / (1 + squared)
    half = _NORMAL / (1 + squared) * math.sqrt(share * (1 - share) / total + squared / (4 * total))
    return Share(share, 0.0 if count == 0 else middle - half, 1.0 if count == total else middle + half)
