"""How many more bits it takes to code the features of all examples than those of each class by itself.

Paper: Huang, Huang, Rong, Yang, Wei, "Frustratingly Easy Transferability Estimation", ICML 2022.
"""

import numpy as np
from jaxtyping import Float64, Int64

from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features

DISTORTION = 1e-4
"""The epsilon of the paper."""


class TransRate(Estimate):
    """Coding rate R(Z) less the mean of R(Z_c) over classes, weighted by their share; never negative.

    R(Z) = 1/2 log det(I + Z^T Z / (N epsilon)) of centred features. Deviations: the features are scaled to a total
    variance of 1 first, so that the value does not depend on their unit (epsilon does); classes count by their share,
    as in the formula, where the released code averages them evenly.
    """

    name = "trans_rate"
    paper = "Huang et al., Frustratingly Easy Transferability Estimation, ICML 2022"
    unit = "nats"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """At the published distortion."""
        centred = features.features - features.features.mean(0)
        return trans_rate(centred / centred.var(0).sum() ** 0.5, features.places, distortion=DISTORTION)


def trans_rate(
    centred: Float64[np.ndarray, "examples features"], labels: Int64[np.ndarray, " examples"], *, distortion: float
) -> float:
    """The difference of rates of centred features as they are."""
    rates = 0.0
    for label in np.unique(labels):
        own = centred[labels == label]
        rates += len(own) / len(centred) * coding_rate(own, distortion=distortion)
    return coding_rate(centred, distortion=distortion) - rates


def coding_rate(features: Float64[np.ndarray, "examples features"], *, distortion: float) -> float:
    """1/2 log det(I + Z^T Z / (N epsilon)), by the singular values of Z."""
    scale = np.linalg.svd(features, compute_uv=False)
    return float(0.5 * np.log1p(scale**2 / (len(features) * distortion)).sum())
