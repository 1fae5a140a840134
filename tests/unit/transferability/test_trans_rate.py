import numpy as np
import pytest

from archlock.transferability import ESTIMATES, Features
from archlock.transferability.trans_rate import coding_rate, trans_rate


def some(examples, width, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=examples)
    return rng.normal(size=(examples, width)) + rng.normal(size=(3, width))[labels], labels


def slow_rate(features, distortion):
    inner = np.eye(features.shape[1]) + features.T @ features / (len(features) * distortion)
    return 0.5 * np.linalg.slogdet(inner)[1]


@pytest.mark.parametrize(("examples", "width"), [(60, 4), (20, 50)])
def test_equals_the_determinants_of_the_paper(examples, width):
    features, labels = some(examples, width)
    np.testing.assert_allclose(coding_rate(features, distortion=1e-2), slow_rate(features, 1e-2), rtol=1e-10)
    centred = features - features.mean(0)
    centred /= np.trace(np.cov(centred.T, ddof=0)) ** 0.5
    expected = slow_rate(centred, 1e-4)
    for label in range(3):
        own = centred[labels == label]
        expected -= len(own) / examples * slow_rate(own, 1e-4)
    value = ESTIMATES["trans_rate"].estimate(Features(features, labels, 3), seed=0)
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    assert value > 0
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(width, width)))[0]
    turned = Features(100 * features @ turn + 5, labels, 3)
    np.testing.assert_allclose(ESTIMATES["trans_rate"].estimate(turned, seed=0), value, rtol=1e-9)


def test_two_points_by_hand():
    # rate of +1 and -1 at distortion 1: 1/2 log 2; a class with one of them has the same rate
    centred, labels = np.array([[1.0], [-1.0]]), np.array([0, 1])
    assert coding_rate(centred, distortion=1.0) == pytest.approx(0.5 * np.log(2))
    assert trans_rate(centred, labels, distortion=1.0) == pytest.approx(0)
    corners = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    # all: two values of 2 / 4; each class: one value of 2 / 2
    expected = np.log(1.5) - 0.5 * np.log(2)
    assert trans_rate(corners, np.array([0, 0, 1, 1]), distortion=1.0) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_never_negative(seed):
    rng = np.random.default_rng(seed)
    features, labels = rng.normal(size=(30, 7)), rng.integers(4, size=30)
    assert trans_rate(features - features.mean(0), labels, distortion=1e-4) >= 0
