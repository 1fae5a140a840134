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

from archlock.preferences.gaussian_process import POWERS, best_noise, distances, matern, scale, spectrum
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
    """Structural features, scaled so that Euclidean distance is meaningful; the given architectures set the scale."""
    features = space.features(architectures)
    return scale(features).coordinates(features, _POWER)


def krige(
    places: Float[np.ndarray, "architectures features"],
    trend: Float[np.ndarray, "architectures columns"],
    rows: Int[np.ndarray, " measured"],
    values: Float[np.ndarray, " measured"],
) -> Estimate:
    """Estimate of a measure at all places from its values at some rows.

    The trend's columns are standardised, so their units do not matter; there may be none. Deterministic.
    """
    centre, spread = float(values.mean()), float(values.std()) + _TINY
    scores = (values - centre) / spread
    columns = (trend - trend[rows].mean(axis=0)) / (trend.std(axis=0) + _TINY)
    seen = columns[rows]
    coefficients = np.linalg.solve(seen.T @ seen + _RIDGE * np.eye(seen.shape[1]), seen.T @ scores)
    prior = columns @ coefficients
    left = scores - prior[rows]
    kernel = matern(distances(places[rows], places[rows]), LENGTH)
    eigenvalues, vectors = spectrum(kernel)
    noises, _, signals = best_noise(eigenvalues, vectors.T @ left[:, None])
    noise, signal = float(noises[0]), float(signals[0])
    inverse = (vectors / (eigenvalues + noise)) @ vectors.T
    weights = inverse @ left
    cross = matern(distances(places, places[rows]), LENGTH)
    variance = signal * np.maximum(1 - np.einsum("ij,ij->i", cross @ inverse, cross), 0)
    return Estimate(
        centre + spread * (prior + cross @ weights),
        spread * np.sqrt(variance),
        spread * float(np.sqrt(noise * signal)),
        centre + spread * (scores - weights / np.diag(inverse)),
    )
