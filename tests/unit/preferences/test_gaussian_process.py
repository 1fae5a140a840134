import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from archlock.preferences.gaussian_process import (
    NOISES,
    best_noise,
    distances,
    fit_process,
    matern,
    scale,
    spectrum,
)

RNG = np.random.default_rng(3)
POINTS = RNG.standard_normal((40, 5)) * [1.0, 2.0, 0.5, 1.0, 0.0]


def test_distances_and_kernel_agree_with_brute_force():
    expected = np.linalg.norm(POINTS[:, None] - POINTS[None], axis=2)
    assert np.allclose(distances(POINTS, POINTS), expected, atol=1e-6)
    assert np.allclose(matern(expected, 0.8), Matern(0.8, nu=1.5)(POINTS), atol=1e-6)


def test_scaling_gives_mean_squared_norm_one_and_ignores_constant_features():
    scaling = scale(POINTS)
    for power in range(3):
        coordinates = scaling.coordinates(POINTS, power)
        assert np.isclose((coordinates**2).sum(axis=1).mean(), 1)
        assert (coordinates[:, 4] == 0).all()


def test_posterior_and_evidence_agree_with_scikit_learn():
    target = np.sin(POINTS[:, :1]) + 0.1 * RNG.standard_normal((40, 1))
    process = fit_process(POINTS, target, POINTS)
    asked = RNG.standard_normal((10, 5))
    mean, square = np.zeros((2, 10))
    for kernel in process.kernels:
        signal, noise = float(kernel.signal[0]), float(kernel.noise[0])
        reference = GaussianProcessRegressor(
            ConstantKernel(signal) * Matern(kernel.length, nu=1.5), alpha=signal * noise, optimizer=None
        ).fit(kernel.measured, target[:, 0])
        one, std = reference.predict(process.scaling.coordinates(asked, kernel.power), return_std=True)
        mean += kernel.weight * one
        square += kernel.weight * (std**2 + one**2)
    ours, variance = process.posterior(asked, np.eye(1))
    assert np.allclose(ours[:, 0], mean)
    assert np.allclose(variance[:, 0], square - mean**2)
    assert np.allclose(process.mean(asked, np.eye(1)), ours)


def test_noise_level_is_the_best_of_the_grid_by_brute_force():
    gram = matern(distances(POINTS, POINTS), 1.0)
    target = POINTS[:, 0] + RNG.standard_normal(40)
    values, vectors = spectrum(gram)
    noise, evidence, signal = best_noise(values, (vectors.T @ target)[:, None])

    def by_hand(candidate):
        covariance = gram + candidate * np.eye(40)
        variance = target @ np.linalg.solve(covariance, target) / 40
        likelihood = -0.5 * (40 * np.log(variance) + np.linalg.slogdet(covariance)[1] + 40)
        return likelihood - 0.5 * ((np.log(candidate) - np.log(0.2)) / 2) ** 2, variance

    assert noise[0] == max(NOISES, key=lambda candidate: by_hand(candidate)[0])
    assert np.allclose([evidence[0], signal[0]], by_hand(noise[0]))


def test_leaving_out_agrees_with_solving_without_the_row():
    target = np.stack([POINTS[:, 0], POINTS[:, 1] ** 2], axis=1)
    target -= target.mean(axis=0)
    process = fit_process(POINTS, target, POINTS)
    without = np.zeros((40, 2))
    for kernel in process.kernels:
        gram = matern(distances(kernel.measured, kernel.measured), kernel.length)
        for component, noise in enumerate(kernel.noise):
            values = target @ process.rotation[component]
            for row in range(40):
                rest = np.delete(np.arange(40), row)
                covariance = gram[np.ix_(rest, rest)] + noise * np.eye(39)
                one = gram[row, rest] @ np.linalg.solve(covariance, values[rest])
                without[row] += kernel.weight * one * process.rotation[component]
    assert np.allclose(process.left_out(), without, atol=1e-8)


def test_pure_noise_is_shrunk():
    targets = RNG.standard_normal((40, 1))
    mean = fit_process(POINTS, targets - targets.mean(), POINTS).mean(RNG.standard_normal((200, 5)), np.eye(1))
    assert mean.std() < 0.6 * targets.std()


def test_constant_targets_stay_zero():
    targets = np.stack([np.zeros(40), POINTS[:, 0]], axis=1)
    mean, variance = fit_process(POINTS, targets, POINTS).posterior(POINTS, np.eye(2))
    assert np.allclose(mean[:, 0], 0, atol=1e-5)
    assert np.allclose(variance[:, 0], 0, atol=1e-5)
    assert np.corrcoef(mean[:, 1], POINTS[:, 0])[0, 1] > 0.9


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows_and_equal_rows(rows):
    features = np.repeat(POINTS[:1], rows, axis=0)
    mean, variance = fit_process(features, np.ones((rows, 1)), POINTS).posterior(POINTS, np.eye(1))
    assert np.isfinite(mean).all()
    assert np.isfinite(variance).all()
