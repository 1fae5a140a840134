import numpy as np
import pytest
from scipy.optimize import minimize

from archlock.transferability import ESTIMATES, Features
from archlock.transferability.log_me import log_evidence


def slow(features, target):
    """The evidence of y ~ N(0, F F^T / alpha + I / beta), maximised over both by search from several starts."""

    def loss(logs):
        alpha, beta = np.exp(np.clip(logs, -40, 40))
        covariance = features @ features.T / alpha + np.eye(len(features)) / beta
        mahalanobis = target @ np.linalg.solve(covariance, target)
        return 0.5 * (mahalanobis + np.linalg.slogdet(2 * np.pi * covariance)[1]) / len(target)

    starts = [(a, b) for a in (-2.0, 6.0) for b in (0.0, 4.0)]
    options = {"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000}
    return -min(minimize(loss, start, method="Nelder-Mead", options=options).fun for start in starts)


def some(examples, width, signal, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % 3
    return rng.normal(size=(examples, width)) + signal * rng.normal(size=(3, width))[labels], labels


@pytest.mark.parametrize(("examples", "width", "signal"), [(40, 4, 1.0), (40, 4, 0.3), (12, 30, 0.5), (25, 24, 2.0)])
def test_equals_the_evidence_maximised_by_dense_algebra(examples, width, signal):
    features, labels = some(examples, width, signal)
    targets = np.eye(3)[labels]
    expected = [slow(features, targets[:, column]) for column in range(3)]
    np.testing.assert_allclose(log_evidence(features, targets), expected, rtol=1e-6, atol=1e-6)
    value = ESTIMATES["log_me"].estimate(Features(features, labels, 3), seed=0)
    np.testing.assert_allclose(value, np.mean(expected), rtol=1e-6, atol=1e-6)


def test_labels_that_have_nothing_to_do_with_the_features_are_noise():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 3))
    noise = rng.normal(size=60)
    noise -= features @ np.linalg.lstsq(features, noise, rcond=None)[0]
    expected = -0.5 * (np.log(2 * np.pi * (noise**2).mean()) + 1)  # of a Gaussian with the variance of the labels
    np.testing.assert_allclose(log_evidence(features, noise[:, None]), [expected], rtol=1e-9)


def test_turning_and_scaling_the_features_changes_nothing():
    features, labels = some(50, 6, 0.7)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    targets = np.eye(3)[labels]
    np.testing.assert_allclose(
        log_evidence(1e-3 * features @ turn, targets), log_evidence(features, targets), rtol=1e-7
    )


def test_labels_that_are_exactly_linear_have_a_value():
    features, labels = some(30, 5, 1.0)
    exact = log_evidence(features, features[:, :1])
    assert np.isfinite(exact).all()
    assert exact > log_evidence(features, np.eye(3)[labels]).max()
    hot = Features(np.eye(3)[labels], labels, 3)
    assert np.isfinite(ESTIMATES["log_me"].estimate(hot, seed=0))


@pytest.mark.parametrize("seed", range(4))
def test_features_of_very_different_sizes_do_not_hide_the_largest_of_several_maxima(seed):
    rng = np.random.default_rng(seed)
    features, labels = some(57, 9, 2.0, seed)
    features = np.column_stack([features, 1e3 * rng.normal(size=(57, 4))])  # large and without content
    targets = np.eye(3)[labels]
    values, scale, _ = np.linalg.svd(features)
    turned = (values.T @ targets) ** 2
    squares = np.zeros(57)
    squares[: len(scale)] = scale**2
    best = np.full(3, -np.inf)
    for ratio in np.geomspace(1e-8, 1e10, 4000):  # y ~ N(0, (1 + s^2 / ratio) / beta) in each direction, best beta
        spread = (1 + squares / ratio)[:, None]
        noise = (turned / spread).mean(0)
        best = np.maximum(best, -0.5 * (np.log(2 * np.pi * noise) + 1 + np.log(spread).mean()))
    np.testing.assert_allclose(log_evidence(features, targets), best, rtol=1e-4, atol=1e-4)
