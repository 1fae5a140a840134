import numpy as np
import pytest
from scipy.stats import chi2_contingency
from sklearn.covariance import LedoitWolf

from archlock.transferability import ESTIMATES, Features
from archlock.transferability.h_score import h_score


def some(examples=80, width=5, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=examples)
    return rng.normal(size=(examples, width)) * np.arange(1, width + 1) + rng.normal(size=(classes, width))[
        labels
    ], labels


def means(features, labels):
    return np.stack([features[labels == label].mean(0) for label in labels])


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_trace_of_bao_et_al(seed):
    features, labels = some(seed=seed)
    within, between = np.cov(features.T, ddof=0), np.cov(means(features, labels).T, ddof=0)
    expected = np.trace(np.linalg.inv(within) @ between)
    np.testing.assert_allclose(h_score(features, labels, shrinkage=0.0), expected, rtol=1e-10)
    linear = features @ np.random.default_rng(9).normal(size=(5, 5)) + 3  # whitening takes any linear map away
    np.testing.assert_allclose(h_score(linear, labels, shrinkage=0.0), expected, rtol=1e-7)


@pytest.mark.parametrize(("examples", "width"), [(80, 5), (30, 60), (50, 1)])
def test_equals_the_trace_of_ibrahim_et_al(examples, width):
    features, labels = some(examples, width)
    fitted = LedoitWolf().fit(features)
    between = (1 - fitted.shrinkage_) * np.cov(means(features, labels).T, ddof=0).reshape(width, width)
    expected = np.trace(np.linalg.inv(fitted.covariance_) @ between)
    value = ESTIMATES["h_score"].estimate(Features(features, labels, 4), seed=0)
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    assert 0 < value < 3
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(width, width)))[0]
    turned = ESTIMATES["h_score"].estimate(Features(7 * features @ turn + 1, labels, 4), seed=0)
    np.testing.assert_allclose(turned, value, rtol=1e-9)


def test_of_one_hot_features_it_is_the_inertia_of_correspondence_analysis():
    rng = np.random.default_rng(0)
    words, labels = rng.integers(6, size=200), rng.integers(4, size=200)
    table = np.zeros((6, 4))
    np.add.at(table, (words, labels), 1)
    expected = chi2_contingency(table, correction=False).statistic / 200
    np.testing.assert_allclose(h_score(np.eye(6)[words], labels, shrinkage=0.0), expected, rtol=1e-9)
    np.testing.assert_allclose(h_score(np.eye(4)[labels], labels, shrinkage=0.0), 3, rtol=1e-9)


def test_only_shrinkage_tells_many_features_of_nothing_from_good_ones():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    nothing = rng.normal(size=(40, 100))
    good = nothing.copy()
    good[:, :4] += 8 * np.eye(4)[labels]
    np.testing.assert_allclose(h_score(nothing, labels, shrinkage=0.0), 3, rtol=1e-8)
    np.testing.assert_allclose(h_score(good, labels, shrinkage=0.0), 3, rtol=1e-8)
    value, best = (ESTIMATES["h_score"].estimate(Features(rows, labels, 4), seed=0) for rows in (nothing, good))
    assert value < best / 2
