"""What a lock costs: the best that can be had at every source floor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from archlock.errors import SearchError


@dataclass(frozen=True, slots=True)
class TradeOffPoint:
    """The best lock at one floor."""

    floor: float
    index: int
    """Position of the architecture in the arrays that were given."""
    source: float
    target: float


def trade_off(
    source: Float[np.ndarray, " architectures"],
    target: Float[np.ndarray, " architectures"],
    floors: Sequence[float],
) -> tuple[TradeOffPoint, ...]:
    """For every floor the architecture with the lowest target score among those whose source value is not below it.

    Floors come back in ascending order, and target scores never fall along them. Ties go to the higher source value,
    then to the smaller index. Floors that nobody reaches are left out; if that leaves none, or a value is NaN,
    :class:`~archlock.errors.SearchError`.
    """
    if np.isnan(source).any() or np.isnan(target).any():
        raise SearchError("a trade-off needs a source and a target value for every architecture; got NaN")
    order = np.lexsort((np.arange(len(source)), -source, target))  # best lock first
    points = []
    for floor in sorted(floors):
        keeping = order[source[order] >= floor]
        if len(keeping):
            index = int(keeping[0])
            points.append(TradeOffPoint(float(floor), index, float(source[index]), float(target[index])))
    if not points:
        highest = f"{source.max():.4g}" if len(source) else "no architecture at all"
        raise SearchError(
            f"no architecture reaches any of the floors {sorted(floors)}; the highest source value is {highest}"
        )
    return tuple(points)
