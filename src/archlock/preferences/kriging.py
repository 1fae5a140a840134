"""Universal kriging of one measure over a whole space: a linear trend, and a Gaussian process for what it leaves.

The trend carries what is known of every architecture beforehand (its size, what short trainings foretell); the process
with one Matern 3/2 kernel learns from structure where the trend is wrong (Matheron 1969; Rasmussen and Williams 2006,
section 2.7, with a ridge prior on the trend's coefficients). One kernel of fixed length, so that a fit costs
milliseconds and a search can afford one after every few measurements; ``gaussian_process`` averages many kernels and
shares several columns, at many times the cost.
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


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What is believed of every architecture's measurement, in the units of the values."""

    mean: Float[np.ndarray, " architectures"]
    std: Float[np.ndarray, " architectures"]
    """Of the mean itself, without the noise of a measurement."""
    noise: float
    """Standard deviation of one measurement about it."""
    left_out: Float[np.ndarray, " measured"]
    """What would be said of each measured row without it."""


def coordinates(space: Space, architectures: tuple[Architecture, ...]) -> Float[np.ndarray, "architectures features"]:
    """Structural features, scaled so that Euclidean distance is meaningful; the given architectures set the scale.

    Rotated to their principal axes, of which those without any spread are left out: the same distances, fewer numbers.
    """
    features = space.features(architectures)
    places = scale(features).coordinates(features, _POWER)
    spread, axes = np.linalg.eigh(places.T @ places)
    return np.asarray(places @ axes[:, spread > _TINY * spread[-1]])


class Kriging:
    """Kriging of several measures, all measured on the same rows, which grow: what was computed once is kept."""

    def __init__(self, places: Float[np.ndarray, "architectures features"]) -> None:
        self._places = places
        self._norms = np.einsum("ij,ij->i", places, places)
        self.rows = np.zeros(0, dtype=int)
        self._cross = np.zeros((len(places), 0))

    def measured(self, rows: Int[np.ndarray, " more"]) -> None:
        """More rows were measured; each counts as often as it is named."""
        squares = self._norms[:, None] + self._norms[rows] - 2 * (self._places @ self._places[rows].T)
        more = matern(np.sqrt(np.maximum(squares, 0)), LENGTH)
        self.rows = np.concatenate([self.rows, rows])
        self._cross = np.concatenate([self._cross, more], axis=1)

    def estimates(
        self, trend: Float[np.ndarray, "architectures columns"], values: Float[np.ndarray, "measures measured"]
    ) -> tuple[Estimate, ...]:
        """One estimate for every measure, from its values at the rows in the order in which they were measured.

        The trend's columns are standardised, so their units do not matter; there may be none. Deterministic.
        """
        rows, cross = self.rows, self._cross
        columns = (trend - trend[rows].mean(axis=0)) / (trend.std(axis=0) + _TINY)
        seen = columns[rows]
        eigenvalues, vectors = spectrum(cross[rows])
        rotated = cross @ vectors
        squares = rotated**2
        found = []
        for measure in values:
            centre, spread = float(measure.mean()), float(measure.std()) + _TINY
            scores = (measure - centre) / spread
            prior = columns @ np.linalg.solve(seen.T @ seen + _RIDGE * np.eye(seen.shape[1]), seen.T @ scores)
            projected = vectors.T @ (scores - prior[rows])
            noises, _, signals = best_noise(eigenvalues, projected[:, None])
            noise, signal = float(noises[0]), float(signals[0])
            precision = 1 / (eigenvalues + noise)
            weights = vectors @ (projected * precision)
            found.append(
                Estimate(
                    centre + spread * (prior + rotated @ (projected * precision)),
                    spread * np.sqrt(signal * np.maximum(1 - squares @ precision, 0)),
                    spread * float(np.sqrt(noise * signal)),
                    centre + spread * (scores - weights / (vectors**2 @ precision)),
                )
            )
        return tuple(found)


def krige(
    places: Float[np.ndarray, "architectures features"],
    trend: Float[np.ndarray, "architectures columns"],
    rows: Int[np.ndarray, " measured"],
    values: Float[np.ndarray, " measured"],
) -> Estimate:
    """Estimate of one measure at all places from its values at some rows; see :class:`Kriging`."""
    kriging = Kriging(places)
    kriging.measured(rows)
    (estimate,) = kriging.estimates(trend, values[None])
    return estimate
