"""Gaussian process regression for few, noisy rows and several targets at once: pure functions of arrays, closed form.

Matern 3/2 kernels (Rasmussen and Williams 2006, eq. 4.17) on centred features, with one noise level per target. The
targets are rotated to their principal components first, each of which gets a noise level of its own: what is common to
all targets is learned from all of them, and small differences between them count only as far as they repeat.

Hyper-parameters are averaged, not chosen: kernels of several lengths, and features scaled by several powers of their
spread, weigh by their marginal likelihood (eq. 5.8, with the signal variance profiled out). This design was chosen on
the 12-epoch columns of NAS-Bench-201 and on TransNAS-Bench-101 micro, against ridge regression and linear, squared
exponential and rational quadratic kernels.

Not for many rows: the work is cubic in them (2,000 take seconds).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

LENGTHS: Final = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Kernel lengths, where the mean squared norm of the scaled features is 1."""
POWERS: Final = (0.0, 0.5, 1.0)
"""A feature is centred and multiplied by its standard deviation to one of these powers (-1 would standardise it, which
lets the many rare indicators drown the few counts)."""
NOISES: Final = np.logspace(-3, 1.5, 19)
"""Candidate noise variances, relative to the signal's."""
_TYPICAL_NOISE, _NOISE_SPREAD = np.log(0.2), 2.0  # weak log-normal prior: 95 % between 0.004 and 10
_SELECTION_ROWS = 400  # enough to weigh kernels by
_NEGLIGIBLE = 0.05  # kernels with less than this share of the best one's weight are dropped
_TINY = 1e-12  # signal variance of a target that says nothing
_BLOCK = 4096  # rows predicted at once, to bound memory


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Features to coordinates in which Euclidean distance is meaningful."""

    centre: Float[np.ndarray, " features"]
    factors: Float[np.ndarray, "powers features"]

    def coordinates(
        self, features: Float[np.ndarray, "rows features"], power: int
    ) -> Float[np.ndarray, "rows features"]:
        """Coordinates for ``POWERS[power]``; a feature that does not vary is 0."""
        return np.asarray((features - self.centre) * self.factors[power])


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """One kernel of the average, fitted: K = Q diag(eigenvalues) Q^T on the measured rows."""

    weight: float
    power: int
    length: float
    measured: Float[np.ndarray, "rows coordinates"]
    eigenvectors: Float[np.ndarray, "rows rows"]
    eigenvalues: Float[np.ndarray, " rows"]
    noise: Float[np.ndarray, " components"]
    signal: Float[np.ndarray, " components"]
    coefficients: Float[np.ndarray, "rows components"]


@dataclass(frozen=True, slots=True, eq=False)
class GaussianProcess:
    """Posterior of several functions of the features, made by :func:`fit_process`."""

    scaling: Scaling
    targets: Float[np.ndarray, "rows targets"]
    rotation: Float[np.ndarray, "components targets"]
    kernels: tuple[Kernel, ...]

    def mean(
        self, features: Float[np.ndarray, "points features"], projection: Float[np.ndarray, "targets outputs"]
    ) -> Float[np.ndarray, "points outputs"]:
        """Posterior mean of linear combinations of the targets."""
        mean = np.zeros((len(features), projection.shape[1]))
        for rows, kernel, cross in self._cross(features):
            mean[rows] += cross @ (kernel.weight * kernel.coefficients @ (self.rotation @ projection))
        return mean

    def posterior(
        self, features: Float[np.ndarray, "points features"], projection: Float[np.ndarray, "targets outputs"]
    ) -> tuple[Float[np.ndarray, "points outputs"], Float[np.ndarray, "points outputs"]]:
        """Mean and variance of linear combinations of the targets, the variance without the noise of a measurement."""
        mean, square = np.zeros((2, len(features), projection.shape[1]))
        mixing = self.rotation @ projection  # components x outputs
        for rows, kernel, cross in self._cross(features):
            member = cross @ kernel.coefficients @ mixing
            explained = (cross @ kernel.eigenvectors) ** 2 @ (1 / (kernel.eigenvalues[:, None] + kernel.noise))
            variance = np.maximum(1 - explained, 0) * kernel.signal @ mixing**2
            mean[rows] += kernel.weight * member
            square[rows] += kernel.weight * (variance + member**2)
        return mean, np.maximum(square - mean**2, 0)

    def left_out(self) -> Float[np.ndarray, "rows targets"]:
        """What would be said of each measured row without it (eq. 5.12; hyper-parameters as with it)."""
        components = self.targets @ self.rotation.T
        prediction = np.zeros_like(components)
        for kernel in self.kernels:
            precision = kernel.eigenvectors**2 @ (1 / (kernel.eigenvalues[:, None] + kernel.noise))
            prediction += kernel.weight * (components - kernel.coefficients / precision)
        return np.asarray(prediction @ self.rotation)

    def _cross(self, features: np.ndarray) -> Iterator[tuple[slice, Kernel, np.ndarray]]:
        """Kernel between blocks of points and the measured rows, for every kernel of the average."""
        for start in range(0, len(features), _BLOCK):
            block = features[start : start + _BLOCK]
            for power in sorted({kernel.power for kernel in self.kernels}):
                same = [kernel for kernel in self.kernels if kernel.power == power]
                apart = distances(self.scaling.coordinates(block, power), same[0].measured)
                for kernel in same:
                    yield slice(start, start + len(block)), kernel, matern(apart, kernel.length)


def fit_process(
    features: Float[np.ndarray, "rows features"],
    targets: Float[np.ndarray, "rows targets"],
    reference: Float[np.ndarray, "points features"],
) -> GaussianProcess:
    """Fit to rows where all targets are measured.

    ``targets`` have mean about 0 and variance about 1 (a constant one is 0 and stays 0); ``reference`` is a
    representative sample of the features to be asked about, which sets the scale of distances. Deterministic.
    """
    scaling = scale(reference)
    rotation = np.linalg.svd(targets, full_matrices=False)[2]
    rows = np.unique(np.linspace(0, len(targets) - 1, min(len(targets), _SELECTION_ROWS)).astype(int))
    varying = np.ptp(targets, axis=0) > 0
    choices, evidence = [], []
    for power in range(len(POWERS)):
        points = scaling.coordinates(features[rows], power)
        apart = distances(points, points)
        for length in LENGTHS:
            values, vectors = spectrum(matern(apart, length))
            choices.append((power, length))
            evidence.append(
                best_noise(values, vectors.T @ targets[rows][:, varying])[1].mean() if varying.any() else 0.0
            )
    more = len(targets) / len(rows)  # evidence grows with the rows: all of them would weigh more sharply
    weights = np.exp(more * (np.array(evidence) - max(evidence)))
    weights = np.where(weights < _NEGLIGIBLE, 0, weights) / weights[weights >= _NEGLIGIBLE].sum()
    kernels = tuple(
        _fit_kernel(scaling.coordinates(features, power), targets @ rotation.T, power, length, float(weight))
        for (power, length), weight in zip(choices, weights, strict=True)
        if weight > 0
    )
    return GaussianProcess(scaling, targets, rotation, kernels)


def scale(reference: Float[np.ndarray, "points features"]) -> Scaling:
    """Scaling for every one of ``POWERS`` that gives the reference points a mean squared norm of 1."""
    spread = reference.std(axis=0)
    factors = np.stack([np.where(spread > 0, spread**power, 0) for power in POWERS])
    norms = np.sqrt((factors**2) @ spread**2)[:, None]
    return Scaling(reference.mean(axis=0), np.divide(factors, norms, out=np.zeros_like(factors), where=norms > 0))


def distances(
    points: Float[np.ndarray, "points coordinates"], others: Float[np.ndarray, "others coordinates"]
) -> Float[np.ndarray, "points others"]:
    """Euclidean distances."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)
    squares -= 2 * points @ others.T
    return np.asarray(np.sqrt(np.maximum(squares, 0, out=squares), out=squares))


def matern(distance: Float[np.ndarray, "points others"], length: float) -> Float[np.ndarray, "points others"]:
    """Matern 3/2 kernel: (1 + r) exp(-r) with r = sqrt(3) distance / length."""
    ratio = distance * (np.sqrt(3) / length)
    decay = np.exp(np.negative(ratio))
    return np.asarray(np.multiply(np.add(ratio, 1, out=ratio), decay, out=decay))


def spectrum(
    kernel: Float[np.ndarray, "rows rows"],
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, "rows rows"]]:
    """Eigenvalues, not below 0, and eigenvectors of a symmetric positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(kernel)
    return np.maximum(values, 0), vectors


def best_noise(
    eigenvalues: Float[np.ndarray, " rows"], projected: Float[np.ndarray, "rows targets"]
) -> tuple[Float[np.ndarray, " targets"], Float[np.ndarray, " targets"], Float[np.ndarray, " targets"]]:
    """For targets in the eigenbasis of the kernel: noise relative to the signal, log evidence, signal variance.

    The evidence is the log marginal likelihood (without its constant) plus the log prior of the noise; the signal
    variance that maximises it for a given noise is the mean of y_i^2 / (eigenvalue_i + noise).
    """
    total = eigenvalues[:, None] + NOISES  # rows x noises
    signal = np.maximum((projected**2).T @ (1 / total) / len(eigenvalues), _TINY)  # targets x noises
    likelihood = -0.5 * (len(eigenvalues) * (np.log(signal) + 1) + np.log(total).sum(axis=0))
    evidence = likelihood - 0.5 * ((np.log(NOISES) - _TYPICAL_NOISE) / _NOISE_SPREAD) ** 2
    best = evidence.argmax(axis=1)
    chosen = np.arange(len(best)), best
    return NOISES[best], evidence[chosen], signal[chosen]


def _fit_kernel(measured: np.ndarray, components: np.ndarray, power: int, length: float, weight: float) -> Kernel:
    eigenvalues, eigenvectors = spectrum(matern(distances(measured, measured), length))
    projected = eigenvectors.T @ components
    noise, _, signal = best_noise(eigenvalues, projected)
    coefficients = eigenvectors @ (projected / (eigenvalues[:, None] + noise))
    return Kernel(weight, power, length, measured, eigenvectors, eigenvalues, noise, signal, coefficients)
