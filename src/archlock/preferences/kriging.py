"""Universal kriging of one measure over many architectures: a linear trend, a Gaussian process, and what is each one's
own.

The trend carries what is known of every architecture beforehand (its size, what short trainings foretell); the process
with one Matern 3/2 kernel learns from structure where the trend is wrong (Matheron 1969; Rasmussen and Williams 2006,
section 2.7, with a ridge prior on the trend's coefficients). What is left is split in two: the noise of a training,
which another training does not repeat, and what is an architecture's own, which it does. So a row that was measured
several times is believed for what it showed, and one that was lucky once is not. One kernel of fixed length, so that a
fit costs milliseconds and a search can afford one after every few measurements; scikit-learn's
``GaussianProcessRegressor`` is the oracle of its tests, and ``benchmarks/surrogate.py`` has the ratio of their times.
``gaussian_process`` averages many kernels and shares several columns, at many times the cost.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.preferences.gaussian_process import POWERS, best_noise, matern, scale, spectrum
from archlock.spaces import Architecture, Space

LENGTH: Final = 3.0
"""Kernel length where the mean squared norm of the coordinates is 1."""
_POWER: Final = POWERS.index(0.5)
_RIDGE: Final = 1.0
_TINY: Final = 1e-9
_LEAST_OWN: Final = 0.05
"""Share of what the process leaves that is an architecture's own, at least."""
_LARGEST_ERROR: Final = 3.0
"""Standard deviations beyond which an error counts no more when what is each one's own is estimated."""
_FEWEST: Final = 20
"""Rows from which it is estimated, at least: the better half of what is foretold, where decisions are made."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What is believed of every architecture, in the units of the values: the mean that many trainings would bring."""

    mean: Float[np.ndarray, " architectures"]
    std: Float[np.ndarray, " architectures"]
    """Of that mean; of measured rows with their own measurements."""
    left_out: Float[np.ndarray, " measured"]
    """What would be said of each measured row without its own measurements."""
    left_out_std: Float[np.ndarray, " measured"]
    own: float
    """Standard deviation of what is an architecture's own: neither trend, nor structure, nor noise."""


def coordinates(space: Space, architectures: tuple[Architecture, ...]) -> Float[np.ndarray, "architectures features"]:
    """Structural features, scaled so that Euclidean distance is meaningful; the given architectures set the scale.

    Rotated to their principal axes, of which those without any spread are left out: the same distances, fewer numbers.
    """
    features = space.features(architectures)
    places = scale(features).coordinates(features, _POWER)
    spread, axes = np.linalg.eigh(places.T @ places)
    return np.asarray(places @ axes[:, spread > _TINY * spread[-1]])


_Spectrum = tuple[
    Float[np.ndarray, " measured"], Float[np.ndarray, "measured measured"], Float[np.ndarray, "architectures measured"]
]
"""Of the kernel on the measured rows: eigenvalues, eigenvectors, and squares of everybody's covariances with these."""


class Kriging:
    """Kriging of several measures, all measured on the same rows, which grow: what was computed once is kept."""

    def __init__(self, places: Float[np.ndarray, "architectures features"]) -> None:
        self._places = places
        self._norms = np.einsum("ij,ij->i", places, places)
        self.rows = np.zeros(0, dtype=int)
        self._cross = np.zeros((len(places), 0))
        self._spectrum: _Spectrum | None = None

    def measured(self, rows: Int[np.ndarray, " more"]) -> None:
        """More rows were measured for the first time."""
        squares = self._norms[:, None] + self._norms[rows] - 2 * (self._places @ self._places[rows].T)
        more = matern(np.sqrt(np.maximum(squares, 0)), LENGTH)
        self.rows = np.concatenate([self.rows, rows])
        self._cross = np.concatenate([self._cross, more], axis=1)
        self._spectrum = None

    def estimates(
        self,
        trend: Float[np.ndarray, "architectures columns"],
        values: Float[np.ndarray, "measures measured"],
        noises: Float[np.ndarray, "measures measured"],
        slopes: Float[np.ndarray, "measures columns"] | None = None,
    ) -> tuple[Estimate, ...]:
        """One estimate for every measure, from its values at the rows in the order in which they were measured.

        ``noises`` are the standard deviations of the values' noise, in their units. 0: a value counts as what many
        trainings would bring. NaN: it is not known, and what neither trend nor structure explains counts as noise. The
        trend's columns are standardised, so their units do not matter; there may be none. ``slopes`` are what is
        expected of their coefficients before anything is measured, in standard deviations of the values for one of the
        column; by default 0. They matter where a few rows were measured, all of them alike. Deterministic.
        """
        rows, cross = self.rows, self._cross
        columns = (trend - trend[rows].mean(axis=0)) / (trend.std(axis=0) + _TINY)
        expected = np.zeros((len(values), columns.shape[1])) if slopes is None else slopes
        kernel = cross[rows]
        if self._spectrum is None:
            values_of, vectors_of = spectrum(kernel)
            self._spectrum = values_of, vectors_of, (cross @ vectors_of) ** 2
        eigenvalues, vectors, squares = self._spectrum
        return tuple(
            _estimate(one, noise, columns, slope, rows, kernel, cross, eigenvalues, vectors, squares)
            for one, noise, slope in zip(values, noises, expected, strict=True)
        )


def _estimate(
    measure: Float[np.ndarray, " measured"],
    noise: Float[np.ndarray, " measured"],
    columns: Float[np.ndarray, "architectures columns"],
    slope: Float[np.ndarray, " columns"],
    rows: Int[np.ndarray, " measured"],
    kernel: Float[np.ndarray, "measured measured"],
    cross: Float[np.ndarray, "architectures measured"],
    eigenvalues: Float[np.ndarray, " measured"],
    vectors: Float[np.ndarray, "measured measured"],
    squares: Float[np.ndarray, "architectures measured"],
) -> Estimate:
    centre, spread = float(measure.mean()), float(measure.std()) + _TINY
    scores, luck = (measure - centre) / spread, (np.nan_to_num(noise) / spread) ** 2
    seen = columns[rows]
    weighed = seen.T @ scores + _RIDGE * slope
    prior = columns @ np.linalg.solve(seen.T @ seen + _RIDGE * np.eye(seen.shape[1]), weighed)
    rest = scores - prior[rows]
    ratios, _, signals = best_noise(eigenvalues, (vectors.T @ rest)[:, None])
    signal, left = float(signals[0]), float(ratios[0] * signals[0])
    own = max(left - float(luck.mean()), _LEAST_OWN * left)
    if np.isnan(noise).any():
        own, luck = _LEAST_OWN * left, np.full(len(luck), (1 - _LEAST_OWN) * left)
    for _ in range(2 if noise.any() and not np.isnan(noise).any() else 0):
        error, doubt, _ = _left_out(signal * kernel, own + luck, rest)
        own = max(_own_variance(error, doubt, luck, own, scores - error), _LEAST_OWN * left)
    error, doubt, weights = _left_out(signal * kernel, own + luck, rest)
    mean = prior + signal * (cross @ weights)
    ratio = max(float((own + luck).mean()) / signal, _TINY)
    deviation = np.sqrt(np.maximum(signal - signal * (squares @ (1 / (eigenvalues + ratio))), 0) + own)
    foretold, unknown = scores - error, doubt + own
    trusted = 1 / (1 / unknown + 1 / (luck + _TINY**2))
    mean[rows] = trusted * (foretold / unknown + scores / (luck + _TINY**2))
    deviation[rows] = np.sqrt(trusted)
    return Estimate(
        centre + spread * mean,
        spread * deviation,
        centre + spread * foretold,
        spread * np.sqrt(unknown),
        spread * float(np.sqrt(own)),
    )


def _left_out(
    covariance: Float[np.ndarray, "measured measured"],
    nugget: Float[np.ndarray, " measured"],
    rest: Float[np.ndarray, " measured"],
) -> tuple[Float[np.ndarray, " measured"], Float[np.ndarray, " measured"], Float[np.ndarray, " measured"]]:
    """By how much each value is off its left-out prediction, the variance of that prediction (Rasmussen and Williams
    2006, eq. 5.12), and the weights of the values in predictions."""
    inverse = np.linalg.inv(covariance + np.diag(nugget + _TINY))
    weights = inverse @ rest
    precision = np.diag(inverse)
    return weights / precision, np.maximum(1 / precision - nugget, _TINY), weights


def _own_variance(
    error: Float[np.ndarray, " measured"],
    doubt: Float[np.ndarray, " measured"],
    luck: Float[np.ndarray, " measured"],
    own: float,
    foretold: Float[np.ndarray, " measured"],
) -> float:
    """Variance of what is each one's own: what left-out errors have beyond doubt and noise, among the better half."""
    best = np.argsort(-foretold, kind="stable")[: max(_FEWEST, len(error) // 2)]
    expected = doubt + own + luck
    squares = np.minimum(error**2, _LARGEST_ERROR**2 * expected)
    return float((squares - doubt - luck)[best].mean())
