"""Kriging against scikit-learn's Gaussian process, leave-one-out by doing it, and a trend that is known."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from archlock.preferences import coordinates, krige
from archlock.preferences.kriging import LENGTH
from archlock.spaces import SPACES


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(80, 4)) / 2


def test_without_a_trend_it_is_the_gaussian_process_of_scikit_learn(places: np.ndarray) -> None:
    rows = np.arange(30)
    values = np.sin(3 * places[rows, 0]) + 0.05 * np.random.default_rng(1).normal(size=30)
    found = krige(places, np.zeros((80, 0)), rows, values)
    scores = (values - values.mean()) / values.std()
    noise = (found.noise / values.std()) ** 2
    unseen = (found.std**2).max() / values.var()
    signal = _signal(places, rows, scores, noise)
    kernel = ConstantKernel(signal, "fixed") * Matern(LENGTH, "fixed", nu=1.5) + WhiteKernel(noise, "fixed")
    reference = GaussianProcessRegressor(kernel, optimizer=None, alpha=0).fit(places[rows], scores)
    mean, std = reference.predict(places, return_std=True)
    np.testing.assert_allclose(found.mean, values.mean() + values.std() * mean, atol=1e-6)
    np.testing.assert_allclose(found.std, values.std() * np.sqrt(np.maximum(std**2 - noise, 0)), atol=1e-5)
    assert unseen <= signal + 1e-9


def _signal(places: np.ndarray, rows: np.ndarray, scores: np.ndarray, noise: float) -> float:
    """Signal variance that belongs to an absolute noise: it maximises the likelihood for their ratio."""
    from scipy.optimize import brentq

    distance = np.linalg.norm(places[rows][:, None] - places[rows], axis=2) * np.sqrt(3) / LENGTH
    eigenvalues, vectors = np.linalg.eigh((1 + distance) * np.exp(-distance))
    projected = vectors.T @ scores
    ratio = brentq(lambda r: r * np.mean(projected**2 / (np.maximum(eigenvalues, 0) + r)) - noise, 1e-6, 1e3)
    return float(noise / ratio)


def test_left_out_predictions_are_those_of_a_fit_without_the_row(places: np.ndarray) -> None:
    """The trend and the noise are kept, as the docstring of the process says: here there is neither to speak of."""
    rows = np.arange(25)
    values = places[rows, 0] + places[rows, 1] ** 2
    found = krige(places, np.zeros((80, 0)), rows, values)
    kernel_noise = found.noise
    others = np.delete(rows, 7)
    again = krige(places, np.zeros((80, 0)), others, np.delete(values, 7))
    assert abs(found.left_out[7] - again.mean[7]) < 0.05 + 3 * kernel_noise


def test_a_linear_trend_carries_beyond_what_was_measured() -> None:
    trend = np.linspace(0, 10, 60)[:, None]
    nowhere = np.random.default_rng(3).normal(size=(60, 5))
    rows = np.arange(0, 30)
    found = krige(nowhere, trend, rows, 2 * trend[rows, 0] + 1)
    np.testing.assert_allclose(found.mean[30:], 2 * trend[30:, 0] + 1, rtol=0.1)


def test_coordinates_have_mean_squared_norm_one() -> None:
    space = SPACES["transnas101_micro"]
    places = coordinates(space, tuple(space.enumerate()))
    assert np.isclose((places**2).sum(axis=1).mean(), 1)
