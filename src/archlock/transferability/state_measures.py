"""The state of trained features in single numbers, as functions of arrays: how many directions, how tied to classes.

Features are N x d (images x units) and finite. Papers and equations stand with each function. Where a number does not
exist, :class:`~archlock.errors.MeasurementError` says why; nothing is infinite. Not here: reading features off a model
(``layer_reading``), and what is counted of units (``units``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from archlock.errors import MeasurementError
from archlock.transferability.principal import NEGLIGIBLE

TUNNEL: Final = 0.95
"""The tunnel begins where a probe reaches this share of what it reaches at its best layer."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """How much of what a probe could read inside a network is left at its end."""

    strength: float
    """Accuracy at the last layer / accuracy at the best one, in [0, 1]: below 1 the last layers lose something."""
    best: int
    """Place of the best layer; of equally good ones the first."""
    begins: int
    """Place of the first layer that reaches 95 % of the best accuracy."""


def spectrum(features: Float64[np.ndarray, "images units"]) -> Float64[np.ndarray, " values"]:
    """Singular values of the centred features, largest first, min(N, d) of them."""
    _check_images(features)
    centred = features - features.mean(0)
    values: np.ndarray = np.linalg.svd(centred, compute_uv=False)
    if values[0] <= NEGLIGIBLE * np.abs(features).max():
        raise MeasurementError(f"the features are the same for all {len(features)} images, so they have no spread")
    return values


def rank_of(values: Float64[np.ndarray, " values"]) -> int:
    """Directions of a spectrum: singular values above a millionth of the largest (single precision)."""
    return int((values > NEGLIGIBLE * values[0]).sum())


def effective_rank(features: Float64[np.ndarray, "images units"]) -> float:
    """exp(-sum_k p_k log p_k), p_k = s_k / sum_j s_j, of the singular values s of the centred features.

    From 1 (all images on one line) to min(N - 1, d). Roy and Vetterli, "The effective rank: a measure of effective
    dimensionality", EUSIPCO 2007, definition 1. Deviation: the features are centred, so that a mean that is far from
    zero is no direction of its own.
    """
    return effective_rank_of(spectrum(features))


def effective_rank_of(values: Float64[np.ndarray, " values"]) -> float:
    """As :func:`effective_rank`, of a spectrum that is known."""
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def neural_collapse(features: Float64[np.ndarray, "images units"], labels: Int64[np.ndarray, " images"]) -> float:
    """NC1 = tr(S_within pinv(S_between)) / C, over the C classes that have images; 0 is complete collapse.

    S_within is the mean over images of (f - m_c)(f - m_c)^T, S_between the mean over classes of (m_c - m)(m_c - m)^T,
    m the mean of the class means m_c. Papyan, Han, Donoho, "Prevalence of neural collapse during the terminal phase of
    deep learning training", PNAS 2020, (NC1). Directions between classes with a deviation below a
    millionth of the largest are left out of the pseudo-inverse: they are rounding.

    One class, fewer images than classes, and class means that are all the same (NC1 would be infinite) raise
    MeasurementError.
    """
    _check_images(features)
    classes, places = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise MeasurementError(f"collapse needs images of at least two classes; all are of class {classes[0]}")
    if len(features) == len(classes):
        raise MeasurementError(
            f"collapse needs more images than classes; got {len(features)} images of {len(classes)} classes, so no "
            "class has two"
        )
    sums = np.zeros((len(classes), features.shape[1]))
    np.add.at(sums, places, features)
    means = sums / np.bincount(places)[:, None]
    within = features - means[places]
    between = means - means.mean(0)
    _, scale, axes = np.linalg.svd(between / math.sqrt(len(classes)), full_matrices=False)
    spread = max(float(np.abs(features - means.mean(0)).max()), np.finfo(float).tiny)
    kept = (scale > NEGLIGIBLE * scale[0]) & (np.arange(len(scale)) < len(classes) - 1)
    if scale[0] <= NEGLIGIBLE * spread:
        raise MeasurementError(
            f"the means of all {len(classes)} classes are the same, so NC1 is infinite: the features say nothing of "
            "the classes"
        )
    return float(((within @ axes[kept].T / scale[kept]) ** 2).sum(1).mean() / len(classes))


def condition_number(features: Float64[np.ndarray, "images units"]) -> float:
    """Largest / smallest eigenvalue of the features' covariance, at least 1; 1 where all directions vary alike.

    It bounds how slowly a head that is fitted by gradient descent learns (Zheng et al., "Model immunization from a
    condition number perspective", ICML 2025). A covariance without inverse raises MeasurementError: of no more
    images than units, or of fewer directions than units; then the rank says more.
    """
    count, units = features.shape
    _check_images(features)
    if count <= units:
        raise MeasurementError(
            f"the covariance of {units} units needs more than {units} images to have an inverse; got {count}"
        )
    values = spectrum(features)
    if values[-1] <= NEGLIGIBLE * values[0]:
        found = rank_of(values)
        raise MeasurementError(f"the covariance has rank {found} of {units}, so its condition number is infinite")
    return float((values[0] / values[-1]) ** 2)


def gradient_spread(ratios: Sequence[float]) -> float:
    """Standard deviation over layers of log10(|gradient| / |weight|); 0 where one rate suits all layers.

    ``ratios`` are those quotients of 2-norms, above 0, one a layer. A layer with ten times the ratio moves ten times as
    far by one step of gradient descent, relative to its size; the layer-wise ratio is that of You, Gitman, Ginsburg,
    "Large batch training of convolutional networks", 2017, section 4. Fewer than two layers raise MeasurementError.
    """
    if len(ratios) < 2:
        raise MeasurementError(f"the spread over layers needs at least two layers with a gradient; got {len(ratios)}")
    if not all(0 < ratio < math.inf for ratio in ratios):
        raise MeasurementError(f"ratios of gradient and weight must be above 0 and finite; got {tuple(ratios)}")
    return float(np.log10(np.asarray(ratios)).std())


def tunnel(probes: Sequence[float]) -> Tunnel:
    """Tunnel of the accuracies of linear probes, one a layer, in the order in which the network uses them.

    Masarczyk et al., "The tunnel effect: building data representations in deep neural networks", NeurIPS 2023:
    what is learnt is there before the end, and the layers behind it compress. Deviation: the tunnel begins at the layer
    that reaches 95 % of the best probe's accuracy, there of the whole network's.
    No layer, or accuracies that are all zero, raise MeasurementError.
    """
    if not probes or max(probes) <= 0:
        raise MeasurementError(f"a tunnel needs the accuracy of at least one probe, above 0; got {tuple(probes)}")
    best = max(probes)
    begins = next(place for place, one in enumerate(probes) if one >= TUNNEL * best)
    return Tunnel(probes[-1] / best, list(probes).index(best), begins)


def _check_images(features: Float64[np.ndarray, "images units"]) -> None:
    if len(features) < 2:
        raise MeasurementError(f"the spread of features needs at least two images; got {len(features)}")
    if not np.isfinite(features).all():
        raise MeasurementError("the features of the model are not finite numbers; its training has diverged")
