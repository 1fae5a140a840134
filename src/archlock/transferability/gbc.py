"""How much the classes overlap when each is a Gaussian in the space of features.

Paper: Pandy, Agostinelli, Uijlings, Ferrari, Mensink, "Transferability Estimation using Bhattacharyya Class
Separability", CVPR 2022.
"""

from itertools import combinations

import numpy as np
from jaxtyping import Float64

from archlock.errors import ConfigurationError
from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features
from archlock.transferability.principal import principal_components

COVARIANCES = ("spherical", "diagonal")

COMPONENTS = 64
"""Principal components at most, as published."""
LEAST_VARIANCE = 1e-4
"""Least variance of a class, as a share of the mean variance of all examples: a class may have one example."""


class Gbc(Estimate):
    """Minus the sum of exp(-D) over ordered pairs of classes, D their Bhattacharyya distance; at most 0.

    Covariances are spherical (the default of the paper) or diagonal, after principal components. Deviations: the least
    variance is a share of the variance of the features (published: the number 1e-4), so that their unit plays no part;
    of spherical Gaussians the logarithm of the variance counts once for each component, as the determinant has it (the
    released code counts it once).
    """

    name = "gbc"
    paper = "Pandy et al., Transferability Estimation using Bhattacharyya Class Separability, CVPR 2022"
    unit = "sum of Bhattacharyya coefficients, negated"

    def __init__(self, covariance: str = "spherical") -> None:
        if covariance not in COVARIANCES:
            raise ConfigurationError(f"unknown covariance {covariance!r}; known: {', '.join(COVARIANCES)}")
        self.covariance = covariance

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """The sum over all pairs of classes that have examples."""
        components = principal_components(features.features, most=COMPONENTS)
        floor, places = LEAST_VARIANCE * components.var(0).mean(), features.places
        classes = [components[places == place] for place in range(len(features.present))]
        means, variances = [rows.mean(0) for rows in classes], [rows.var(0) for rows in classes]
        if self.covariance == "spherical":
            variances = [np.full_like(variance, variance.mean()) for variance in variances]
        variances = [np.maximum(variance, floor) for variance in variances]
        pairs = combinations(zip(means, variances, strict=True), 2)
        return -2 * float(sum(np.exp(-bhattacharyya_distance(*one, *other)) for one, other in pairs))


def bhattacharyya_distance(
    mean: Float64[np.ndarray, " components"],
    variance: Float64[np.ndarray, " components"],
    other_mean: Float64[np.ndarray, " components"],
    other_variance: Float64[np.ndarray, " components"],
) -> float:
    """Of two Gaussians with diagonal covariances: (m - m')^2 / 8 s + 1/2 log(s / sqrt(v v')), s the mean variance."""
    middle = (variance + other_variance) / 2
    apart = ((mean - other_mean) ** 2 / middle).sum() / 8
    unlike = 0.5 * (np.log(middle) - 0.5 * np.log(variance) - 0.5 * np.log(other_variance)).sum()
    return float(apart + unlike)
