"""Immunisation by condition number: well-conditioned features of the own task, ill-conditioned ones of another.

Zheng, Bai, Bullins, Yeh, "Model immunization from a condition number perspective", ICML 2025: a linear head on features
F is fitted by gradient descent at the pace of (1 - 1 / kappa)^t, where kappa is the condition number of S = F^T F. It
hinders plain descent alone: a head in closed form, or features that are whitened first, do not know kappa. The optimum
for a linear body is :func:`best_immunisation`.

Deviation: the published terms, R_well = 1/2 sigma_max^2 - ||S||_F^2 / (2 k) and R_ill = 1 / (||S||_F^2 / (2 k) - 1/2
sigma_min^2), mean something else for every width, batch and scale, and the slope of R_ill along log sigma_min goes with
sigma_min^2: of features that are as badly conditioned as real ones all that it changes is scale. What is descended here
is what is measured, the log of the condition number of both (:func:`log_condition`); the difference is that of the
published ratio, and with a linear body it reaches the optimum. With fewer images than features S is singular by
construction, so it is taken on the smaller side of F; and a short rank is said to be that, never left out of kappa.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from archlock.errors import ConfigurationError, MeasurementError

FLOOR: Final = 1e-2
"""Added to squared singular values of mean 1 where the condition is a term of a loss: the slope along a direction goes
with one over its strength, and one that is nearly lost would be all that a network learns."""
NEGLIGIBLE: Final = 1e-6
"""Singular values of features below this share of the largest are rounding (single precision)."""


def log_condition(features: Float[Tensor, "n features"], *, floor: float = FLOOR) -> Float[Tensor, ""]:
    """log of largest over smallest singular value of the features (half the log of kappa), in double precision.

    Directions are those of the smaller side, and what is lost counts as the root of ``floor``. The same for every scale
    of the features. Those that are all zero raise MeasurementError.
    """
    double = features.double()
    small = double if double.shape[0] <= double.shape[1] else double.T
    gram = small @ small.T
    size = torch.trace(gram) / len(gram)
    if not bool(size > 0):
        raise MeasurementError("the features are all zero, so they have no condition number; has the body died?")
    values = torch.linalg.eigvalsh(gram / size).clamp(min=0) + floor
    found: Tensor = (values[-1] / values[0]).log() / 2
    return found


@dataclass(frozen=True, slots=True)
class Spectrum:
    """How features of a task are conditioned; rank and condition number told apart."""

    width: int
    """Features."""
    rank: int
    condition: float
    """Of S = F^T F on the surviving rank: the square of that of F."""

    @property
    def full_condition(self) -> float:
        """Of all of S: endless where the rank is short."""
        return self.condition if self.rank == self.width else math.inf


def spectrum(features: Float64[np.ndarray, "n width"]) -> Spectrum:
    """Of features in double precision. With fewer images than features the rank cannot be full, and is not."""
    values = np.linalg.svd(np.asarray(features, np.float64), compute_uv=False)
    kept = values[values > NEGLIGIBLE * values[0]] if len(values) and values[0] > 0 else values[:0]
    if len(kept) == 0:
        raise MeasurementError("the features are all zero, so they have no condition number; has the body died?")
    return Spectrum(features.shape[1], len(kept), float((kept[0] / kept[-1]) ** 2))


def immunity(before: tuple[Spectrum, Spectrum], after: tuple[Spectrum, Spectrum]) -> float:
    """RIR = [kappa_H after / before] / [kappa_P after / before] for (own task P, other task H), on surviving ranks.

    Says nothing where a rank changed; the published measure compares a model with what it was made of.
    """
    (own, other), (own_after, other_after) = before, after
    return (other_after.condition / other.condition) / (own_after.condition / own.condition)


def best_immunisation(
    own: Float64[np.ndarray, "d d"], other: Float64[np.ndarray, "d d"]
) -> tuple[Float64[np.ndarray, "d d"], float]:
    """theta and RIR that no linear body x -> x^T theta can better: theta = K_P^(-1/2), for K = X^T X of both tasks.

    With the generalised eigenvalues lam of (K_H, K_P), sigma_max(H_H) <= lam_max sigma_max(H_P) and sigma_min(H_H) >=
    lam_min sigma_min(H_P), so RIR <= (lam_max / lam_min) kappa(K_P) / kappa(K_H); at theta both are equal, and
    kappa(H_P) is 1. No training is needed. Singular matrices raise ConfigurationError: add a ridge.
    """
    values, vectors = np.linalg.eigh(own)
    if not values[0] > NEGLIGIBLE**2 * values[-1]:
        raise ConfigurationError("the features of the own task are singular; add a ridge to K before")
    root = (vectors / np.sqrt(values)) @ vectors.T
    apart = np.linalg.eigvalsh(root @ other @ root)
    of_other = np.linalg.eigvalsh(other)
    if not (apart[0] > 0 and of_other[0] > 0):
        raise ConfigurationError("the features of the other task are singular; add a ridge to K before")
    ratio = (apart[-1] / apart[0]) * (values[-1] / values[0]) / (of_other[-1] / of_other[0])
    return root, float(ratio)
