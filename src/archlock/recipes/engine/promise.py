"""What is promised of candidates before they are trained, and which of them are promising."""

import numpy as np
from jaxtyping import Float


def better_by(
    lesson: Float[np.ndarray, " architectures"],
    shares: Float[np.ndarray, " architectures"],
    share: float,
    *,
    least: int = 1,
) -> Float[np.ndarray, " architectures"]:
    """Shares of the candidates that are in the better part by a lesson, at least so many; 0 for the others."""
    order = np.argsort(-lesson, kind="stable")
    order = order[shares[order] > 0]
    within = np.searchsorted(np.cumsum(shares[order]), share * shares.sum()) + 1
    kept = np.zeros_like(shares)
    better = order[: max(least, int(within))]
    kept[better] = shares[better]
    return kept


def standardised(values: Float[np.ndarray, " items"]) -> Float[np.ndarray, " items"]:
    """Values in deviations from their mean; 0 where all are equal."""
    return np.asarray((values - values.mean()) / (values.std() or 1.0))
