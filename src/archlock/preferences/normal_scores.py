"""Values to normal scores of their ranks, and back: pure functions of arrays."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)
_BEYOND = 1.0  # how far, in normal scores, predictions may leave the measured range
_TAIL = 0.1  # share of the values that sets the slope beyond the range


def normal_scores(values: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    """Quantiles of the normal distribution at (rank - 1/2) / rows, ties averaged, centred; 0 for constant values."""
    from scipy.special import ndtri

    ordered = np.sort(values)
    rank = (np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")) / 2
    scores = ndtri(rank / len(values))
    return np.asarray(scores - scores.mean())


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The way back from normal scores: linear between the measured values, and beyond them at the slope of the tails.

    Predictions end one normal score beyond the measured range.
    """

    scores: Float[np.ndarray, " knots"]
    values: Float[np.ndarray, " knots"]

    @classmethod
    def of(cls, scores: Float[np.ndarray, " rows"], values: Float[np.ndarray, " rows"]) -> "Units":
        """Made from what was measured."""
        knots, first = np.unique(scores, return_index=True)
        levels = values[first]
        if len(knots) == 1:
            return cls(knots, levels)
        tail = max(1, round(_TAIL * len(knots)))
        low = (levels[tail] - levels[0]) / (knots[tail] - knots[0])
        high = (levels[-1] - levels[-1 - tail]) / (knots[-1] - knots[-1 - tail])
        return cls(
            np.concatenate([[knots[0] - _BEYOND], knots, [knots[-1] + _BEYOND]]),
            np.concatenate([[levels[0] - _BEYOND * low], levels, [levels[-1] + _BEYOND * high]]),
        )

    def moments(
        self, mean: Float[np.ndarray, " points"], std: Float[np.ndarray, " points"]
    ) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
        """Mean and standard deviation of the value whose normal score is normal with these (Gauss-Hermite, 9 nodes)."""
        nodes = mean[:, None] + std[:, None] * _NODES
        values = np.interp(nodes, self.scores, self.values)
        weights = _WEIGHTS / _WEIGHTS.sum()
        centre = values @ weights
        return centre, np.sqrt((values - centre[:, None]) ** 2 @ weights)
