"""Ranks of scores: pure functions of arrays, used by preferences, search and reports alike."""

import numpy as np
from jaxtyping import Float

from archlock.errors import MeasurementError


def rank_percentiles(scores: Float[np.ndarray, "*rows items"]) -> Float[np.ndarray, "*rows items"]:
    """Share of the other items that an item beats, in [0, 1]: 1 for the best of a row, 0 for the worst.

    Items with equal scores count half (ties are averaged); a single item has percentile 1. The score is higher for the
    better item. NaN raises :class:`~archlock.errors.MeasurementError`.
    """
    if np.isnan(scores).any():
        raise MeasurementError(
            f"ranks need a score for every item; got NaN for {int(np.isnan(scores).sum())} of {scores.size}"
        )
    items = scores.shape[-1]
    if items <= 1:
        return np.ones(scores.shape)
    percentiles = np.empty(scores.shape)
    for row in np.ndindex(scores.shape[:-1]):
        ordered = np.sort(scores[row])
        below = np.searchsorted(ordered, scores[row], side="left")
        not_above = np.searchsorted(ordered, scores[row], side="right")
        percentiles[row] = (below + not_above - 1) / 2 / (items - 1)
    return percentiles


def ranks(scores: Float[np.ndarray, "*rows items"]) -> Float[np.ndarray, "*rows items"]:
    """Rank of every item of a row: 0 for the best, items - 1 for the worst, ties averaged. NaN as above."""
    return np.asarray((1 - rank_percentiles(scores)) * max(scores.shape[-1] - 1, 0))
