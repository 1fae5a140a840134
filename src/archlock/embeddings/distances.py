"""How far two tasks lie apart, from their embeddings (Achille et al. 2019, section 4)."""

import numpy as np
from jaxtyping import Float64

from archlock.embeddings.embedding import Embedding
from archlock.errors import ConfigurationError

TRIVIAL_WEIGHT = 0.15
"""Weight of the distance to the trivial task in the asymmetric distance, as published."""


def distance(a: Embedding, b: Embedding) -> float:
    """Symmetric distance in [0, 1]: cosine distance of h_a / (h_a + h_b) and h_b / (h_a + h_b); 0 is the same task.

    Filters about which neither task says anything (both entries zero) do not count; with none left the distance is 0.
    The measure compares shapes: a task whose information is the same multiple of another's everywhere is at distance 0.
    Raises ConfigurationError for embeddings of different probes or layers, or with negative entries.
    """
    _check(a, b)
    return _cosine_distance(a.vector, b.vector)


def asymmetric_distance(source: Embedding, target: Embedding, *, weight: float = TRIVIAL_WEIGHT) -> float:
    """How hard a transfer is thought to be: distance(source, target) - weight * distance(source, trivial).

    A complex source (far from the trivial task) transfers better than its symmetric distance says. Lower is easier; may
    be negative. The trivial embedding has, in every layer, the mean information of the source spread evenly over the
    filters; the released code uses a constant for each layer as well, the precision of its prior, which a Monte Carlo
    estimate does not have. Raises as :func:`distance`.
    """
    _check(source, target)
    trivial = np.empty_like(source.vector)
    for name, _ in source.offsets:
        rows = source.layer(name)
        trivial[rows] = source.vector[rows].mean()
    return _cosine_distance(source.vector, target.vector) - weight * _cosine_distance(source.vector, trivial)


def _check(a: Embedding, b: Embedding) -> None:
    if not a.comparable(b):
        raise ConfigurationError(
            f"embeddings of different probes or layers cannot be compared: {a.probe!r} ({a.probe_fingerprint}, "
            f"{a.vector.size} filters) and {b.probe!r} ({b.probe_fingerprint}, {b.vector.size} filters); "
            "embed both tasks with one probe and the same layers"
        )
    for one in (a, b):
        if one.vector.min() < 0:
            raise ConfigurationError(
                f"embedding {one.task} has {int((one.vector < 0).sum())} negative entries, for which this distance has "
                "no meaning; simulate with method='log_fisher'"
            )


def _cosine_distance(a: Float64[np.ndarray, " filters"], b: Float64[np.ndarray, " filters"]) -> float:
    positive = (a > 0) | (b > 0)
    if not positive.any():
        return 0.0
    largest = np.maximum(a[positive], b[positive])  # first in units of the larger entry: no overflow, no underflow
    one, other = a[positive] / largest, b[positive] / largest
    share, rest = one / (one + other), other / (one + other)
    norms = float(np.linalg.norm(share) * np.linalg.norm(rest))
    return float(np.clip(1 - share @ rest / norms, 0, 1)) if norms > 0 else 1.0
