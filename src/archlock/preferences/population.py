"""Where a value stands among a population of which only some members were measured: pure functions of arrays.

Few-shot evidence on architectures is no random sample once a search has begun to choose what to measure, so the ranks
of what was measured say little of ranks in the whole space. The remedy is from survey sampling: a model-assisted
estimate of the distribution function (Chambers and Dunstan 1986) with the residuals of randomly sampled members only.
Predictions of measured members are always leave-one-out, or they would know their own noise.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

NEIGHBOURS: Final = 40
"""Residuals of so many members with the nearest predictions count for a prediction."""
_BINS: Final = 100


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
