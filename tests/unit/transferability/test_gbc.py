import re

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from archlock.errors import ConfigurationError
from archlock.transferability import ESTIMATES, Features, Gbc
from archlock.transferability.gbc import bhattacharyya_distance


def pair(mean, deviation, width):
    """Two points to either side of a mean in each direction: a class with exactly this mean and variance."""
    steps = np.concatenate([np.eye(width), -np.eye(width)]) * deviation * width**0.5
    return steps + mean


def test_two_gaussians_on_a_line_by_hand():
    rows = np.concatenate([pair(np.zeros(1), 1, 1), pair(np.full(1, 4), 2, 1)])
    distance = 16 / (8 * 2.5) + 0.5 * np.log(2.5 / 2)
    for covariance in ("spherical", "diagonal"):
        value = Gbc(covariance).estimate(Features(rows, np.array([0, 0, 1, 1]), 2), seed=0)
        assert value == pytest.approx(-2 * np.exp(-distance), rel=1e-12)


def test_two_spherical_gaussians_in_three_directions_by_hand():
    rows = np.concatenate([pair(np.zeros(3), 1, 3), pair(np.array([3.0, 0, 0]), 2, 3)])
    distance = 9 / (8 * 2.5) + 0.5 * 3 * np.log(2.5 / 2)  # the determinant has every direction
    features = Features(rows, np.repeat([0, 1], 6), 2)
    assert Gbc().estimate(features, seed=0) == pytest.approx(-2 * np.exp(-distance), rel=1e-12)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turned = Features(50 * rows @ turn - 2, np.repeat([0, 1], 6), 2)
    assert Gbc().estimate(turned, seed=0) == pytest.approx(-2 * np.exp(-distance), rel=1e-9)


def test_the_distance_is_the_logarithm_of_an_integral():
    mean, other = np.array([0.0, 1.0]), np.array([1.5, 0.0])
    variance, other_variance = np.array([1.0, 0.3]), np.array([2.0, 0.5])
    overlap = 1.0
    for m, v, n, w in zip(mean, variance, other, other_variance, strict=True):
        overlap *= quad(lambda x: np.sqrt(norm.pdf(x, m, v**0.5) * norm.pdf(x, n, w**0.5)), -20, 20)[0]  # noqa: B023
    found = bhattacharyya_distance(mean, variance, other, other_variance)
    assert found == pytest.approx(-np.log(overlap), rel=1e-7)
    assert bhattacharyya_distance(mean, variance, mean, variance) == 0


def test_three_classes_count_each_ordered_pair():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(60, 4)), np.arange(60) % 3
    rows += rng.normal(size=(3, 4))[labels]
    variance = {c: rows[labels == c].var(0).mean() for c in range(3)}
    expected = 0.0
    for one in range(3):
        for other in set(range(3)) - {one}:
            middle = (variance[one] + variance[other]) / 2
            apart = rows[labels == one].mean(0) - rows[labels == other].mean(0)
            unlike = 4 * np.log(middle / np.sqrt(variance[one] * variance[other]))
            expected -= np.exp(-(apart @ apart) / (8 * middle) - 0.5 * unlike)
    assert ESTIMATES["gbc"].estimate(Features(rows, labels, 3), seed=0) == pytest.approx(expected, rel=1e-9)


def test_a_class_of_one_example_has_the_least_variance():
    rows = np.array([[0.0, 0], [1, 0], [0, 1], [9, 9]])
    assert -1e-6 < ESTIMATES["gbc"].estimate(Features(rows, np.array([0, 0, 0, 1]), 2), seed=0) <= 0
    rows = np.array([[4.0, 0], [-4, 0], [0, 0.5], [0, -0.5], [1, 0]])
    variance, least = (32 + 0.5) / 4 / 2, 1e-4 * rows.var(0).mean()  # of the mean direction, not of the widest
    middle = (variance + least) / 2
    distance = 1 / (8 * middle) + np.log(middle / np.sqrt(variance * least))
    found = ESTIMATES["gbc"].estimate(Features(rows, np.array([0, 0, 0, 0, 1]), 2), seed=0)
    assert found == pytest.approx(-2 * np.exp(-distance), rel=1e-9)


def test_unknown_covariance():
    with pytest.raises(ConfigurationError, match=re.escape("unknown covariance 'full'; known: spherical, diagonal")):
        Gbc("full")
