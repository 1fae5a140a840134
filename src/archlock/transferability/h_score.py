"""How much of the variance of the features lies between the classes, whitened.

Papers: Bao, Li, Huang, Zhang, Zheng, Zamir, Guibas, "An Information-Theoretic Approach to Transferability in Task
Transfer Learning", ICIP 2019; with shrinkage Ibrahim, Ponomareva, Mazumder, "Newer is Not Always Better: Rethinking
Transferability Metrics, Their Peculiarities, Stability and Performance", ECML PKDD 2022.
"""

import numpy as np
from jaxtyping import Float64, Int64

from archlock.transferability.estimate import Estimate
from archlock.transferability.features import Features

NEGLIGIBLE = 1e-12
"""Directions with a variance below this share of the largest are left out of the inverse."""


class HScore(Estimate):
    """tr(S_a^-1 (1 - a) S_between): S_a the covariance, shrunk by Ledoit and Wolf (2004) by the share a.

    Between 0 and the number of classes less one. Without shrinkage it grows to that bound as the features become as
    many as the examples, whatever they say.
    """

    name = "h_score"
    paper = (
        "Bao et al., An Information-Theoretic Approach to Transferability, ICIP 2019; Ibrahim et al., ECML PKDD 2022"
    )
    unit = "sum of squared canonical correlations"

    def score(self, features: Features, *, seed: int) -> float:  # noqa: ARG002
        """The share a is found by scikit-learn's ``ledoit_wolf_shrinkage``."""
        from sklearn.covariance import ledoit_wolf_shrinkage

        shrinkage = float(ledoit_wolf_shrinkage(features.features)) if features.features.shape[1] > 1 else 0.0
        return h_score(features.features, features.places, shrinkage=shrinkage)


def h_score(
    features: Float64[np.ndarray, "examples features"], labels: Int64[np.ndarray, " examples"], *, shrinkage: float
) -> float:
    """The score at a given shrinkage in [0, 1]; at 0 it is that of Bao et al., with a pseudo-inverse.

    For one-hot features it is then chi squared / N of the table of features and labels (correspondence analysis).
    """
    centred = features - features.mean(0)
    covariance = centred.T @ centred / len(centred)
    spread, axes = np.linalg.eigh(covariance)
    spread = (1 - shrinkage) * spread + shrinkage * spread.mean()
    kept = spread > NEGLIGIBLE * spread.max()
    white = centred @ (axes[:, kept] / np.sqrt(spread[kept]))
    sums = np.zeros((int(labels.max()) + 1, white.shape[1]))
    np.add.at(sums, labels, white)
    counts = np.maximum(np.bincount(labels), 1)
    return float((1 - shrinkage) * (sums**2 / counts[:, None]).sum() / len(white))
