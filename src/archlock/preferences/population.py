"""Where a value stands among a population of which only some members were measured: pure functions of arrays.

Few-shot evidence on architectures is no random sample once a search has begun to choose what to measure, so the ranks
of what was measured say little of ranks in the whole space. Two remedies, both from survey sampling: weights by
post-stratification on what a model predicts (Saerndal, Swensson and Wretman 1992, section 7.6), and a model-assisted
estimate of the distribution function (Chambers and Dunstan 1986) with the residuals of randomly sampled members only.
Predictions of measured members are always leave-one-out, or they would know their own noise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

STRATA: Final = (0.0, 0.2, 0.4, 0.6, 0.75, 0.85, 0.91, 0.95, 0.98, 1.0)
"""Borders of the strata, as shares of the population in the order of predictions: finer where a search is at work."""
FEWEST_IN_STRATUM: Final = 3
NEIGHBOURS: Final = 40
"""Residuals of so many members with the nearest predictions count for a prediction."""
_BINS: Final = 100
_EXTREME: Final = 1e-4


def population_weights(
    predicted: Float[np.ndarray, " population"], measured: Float[np.ndarray, " members"]
) -> Float[np.ndarray, " members"]:
    """How much of the population each measured member stands for: weights that sum to 1.

    ``predicted`` are predictions for everybody, ``measured`` the leave-one-out predictions of the measured members. A
    stratum's share of the population is divided among its members; one with too few joins its neighbour below.
    """
    borders = np.quantile(predicted, STRATA[1:-1])
    shares = np.bincount(np.searchsorted(borders, predicted, side="right"), minlength=len(STRATA) - 1).astype(float)
    places = np.searchsorted(borders, measured, side="right")
    counts = np.bincount(places, minlength=len(STRATA) - 1).astype(float)
    merged = np.arange(len(counts))
    for stratum in range(len(counts) - 1, 0, -1):
        if counts[stratum] < FEWEST_IN_STRATUM:
            counts[stratum - 1] += counts[stratum]
            shares[stratum - 1] += shares[stratum]
            merged[merged == stratum] = stratum - 1
    first = int(merged.min())
    if counts[first] < FEWEST_IN_STRATUM and (merged != first).any():
        above = int(merged[merged != first].min())
        shares[above] += shares[first]
        counts[above] += counts[first]
        merged[merged == first] = above
    weights = shares[merged[places]] / counts[merged[places]]
    return np.asarray(weights / weights.sum())


def population_scores(
    values: Float[np.ndarray, " members"], weights: Float[np.ndarray, " members"]
) -> Float[np.ndarray, " members"]:
    """Normal scores of the weighted ranks: the normal quantile at the share of the population that is below."""
    from scipy.special import ndtri

    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    share = np.empty(len(values))
    share[order] = (reached - weights[order] / 2) / reached[-1]
    levels, inverse = np.unique(values, return_inverse=True)
    if len(levels) < len(values):
        share = (np.bincount(inverse, share) / np.bincount(inverse))[inverse]
    return np.asarray(ndtri(np.clip(share, _EXTREME, 1 - _EXTREME)))


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """How far a model was off on randomly sampled members: leave-one-out predictions, and values minus them."""

    predicted: Float[np.ndarray, " members"]
    errors: Float[np.ndarray, " members"]


def standing(
    asked: Float[np.ndarray, " asked"],
    measured: Float[np.ndarray, " members"],
    unmeasured: Float[np.ndarray, " rest"],
    residuals: Residuals,
) -> Float[np.ndarray, " asked"]:
    """Expected share of the population below each asked value, in [0, 1]; all in the same scores.

    A measured member counts with its value (half where it equals what is asked), an unmeasured one with its prediction
    plus each of the residuals whose prediction is nearest to its own. The residuals are those of members that were
    sampled without regard to anything but the prediction: members chosen for their promise on another task have others.
    """
    total = ((measured < asked[:, None]).sum(axis=1) + (measured == asked[:, None]).sum(axis=1) / 2).astype(float)
    count = min(NEIGHBOURS, len(residuals.predicted))
    if len(unmeasured):
        for part in np.array_split(np.sort(unmeasured), min(_BINS, len(unmeasured))):
            apart = np.abs(residuals.predicted - np.median(part))
            nearest = np.argsort(apart, kind="stable")[:count]
            believed = np.sort((part[:, None] + residuals.errors[nearest]).ravel())
            total += np.searchsorted(believed, asked) / count
    return np.asarray(total / (len(measured) + len(unmeasured)))
