"""Immunisation by condition number: well-conditioned features of the own task, ill-conditioned ones of another.

Zheng, Bai, Bullins, Yeh, "Model immunization from a condition number perspective", ICML 2025: a linear head on features
F is fitted by gradient descent at the pace of (1 - 1 / kappa)^t, where kappa is the condition number of S = F^T F; so
train with R_well(S of the own task) + R_ill(S of the other). It hinders plain descent alone: a head in closed form, or
features that are whitened first, do not know kappa. The optimum for a linear body is :func:`best_immunisation`.

Deviations, each for a defect of the released code: S is divided by the root of its mean squared singular value, so that
weights mean the same for every width and batch; the denominator of R_ill has a floor, since it vanishes where all
singular values are equal; S is taken on the smaller side of F, for with fewer images than features the other is
singular by construction; and a short rank is said to be that, never left out of kappa.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from archlock.errors import ConfigurationError, MeasurementError

GUARD: Final = 1e-2
"""Added to the denominator of R_ill, of which the largest value is 1/2."""
NEGLIGIBLE: Final = 1e-6
"""Singular values of features below this share of the largest are rounding (single precision)."""


def scaled_gram(features: Float[Tensor, "n features"]) -> Float[Tensor, "k k"]:
    """S on the smaller side of the features, with squared singular values of mean 1.

    Features that are all zero raise MeasurementError.
    """
    small = features if features.shape[0] <= features.shape[1] else features.T
    gram = small @ small.T
    size = torch.linalg.matrix_norm(gram)
    if not bool(size > 0):
        raise MeasurementError("the features are all zero, so they have no condition number; has the body died?")
    scaled: Tensor = gram * (math.sqrt(len(gram)) / size)
    return scaled


def well_conditioned(gram: Float[Tensor, "k k"]) -> Float[Tensor, ""]:
    """R_well = 1/2 sigma_max^2 - ||S||_F^2 / (2 k): at least 0, and 0 exactly where all singular values are equal.

    Nenov, Haider, Balazs, "(Almost) smooth sailing: towards numerical stability of neural networks through
    differentiable regularization of the condition number", 2024.
    """
    term: Tensor = torch.linalg.matrix_norm(gram, 2) ** 2 / 2 - (gram**2).sum() / (2 * len(gram))
    return term


def ill_conditioned(gram: Float[Tensor, "k k"], *, guard: float = GUARD) -> Float[Tensor, ""]:
    """R_ill = 1 / (||S||_F^2 / (2 k) - 1/2 sigma_min^2 + guard): the smaller, the worse conditioned.

    With guard 0 and all singular values equal it is endless, as published.
    """
    term: Tensor = 1 / ((gram**2).sum() / (2 * len(gram)) - torch.linalg.matrix_norm(gram, -2) ** 2 / 2 + guard)
    return term


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
