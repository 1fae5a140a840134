import numpy as np
import pytest
from scipy.spatial.distance import cdist

from archlock.errors import ConfigurationError, MeasurementError
from archlock.transferability import ESTIMATES, Features, Knn
from archlock.transferability import knn as module
from archlock.transferability.knn import majority


def slow(features, labels, neighbours, metric):
    right = 0
    for row, distances in enumerate(cdist(features, features, metric)):
        order = [int(i) for i in np.argsort(distances, kind="stable") if i != row][:neighbours]
        votes = [int(labels[i]) for i in order]
        most = max(votes.count(vote) for vote in votes)
        right += next(vote for vote in votes if votes.count(vote) == most) == labels[row]
    return right / len(labels)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("neighbours", [1, 2, 5])
def test_equals_brute_force(monkeypatch, metric, neighbours):
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 17)
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=80)
    features = rng.normal(size=(80, 4)) + 1.2 * rng.normal(size=(3, 4))[labels]
    value = Knn(neighbours, metric).estimate(Features(features, labels, 3), seed=0)
    assert value == slow(features, labels, neighbours, metric)
    assert 0.3 < value < 1
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert Knn(neighbours, metric).estimate(Features(4 * features @ turn, labels, 3), seed=0) == value


def test_votes_by_hand():
    votes = np.array([[0, 1, 1, 2, 2], [2, 1, 1, 1, 0], [3, 3, 0, 0, 1], [0, 1, 2, 3, 4], [4, 0, 0, 1, 1]])
    assert majority(votes).tolist() == [1, 1, 3, 0, 0]


def test_no_example_votes_for_itself():
    line = np.array([[0.0], [1.0], [2.1], [3.3]])
    labels = np.array([0, 1, 0, 1])
    assert Knn(1, "euclidean").estimate(Features(line, labels, 2), seed=0) == 0


def test_examples_without_any_activation_are_no_obstacle():
    rows = np.array([[0.0, 0], [0, 0], [1, 0], [2, 0], [0, 1], [0, 2]])
    assert Knn(1).estimate(Features(rows, np.array([0, 0, 1, 1, 2, 2]), 3), seed=0) == pytest.approx(1)


def test_unhappy_paths():
    with pytest.raises(ConfigurationError, match="a vote needs at least one neighbour; got 0"):
        Knn(0)
    with pytest.raises(ConfigurationError, match="unknown metric 'manhattan'; known: cosine, euclidean"):
        Knn(metric="manhattan")
    with pytest.raises(
        MeasurementError,
        match="knn has no value: needs more than 5 examples, one of them to judge; got 5",
    ):
        ESTIMATES["knn"].estimate(Features(np.eye(5), np.arange(5), 5), seed=0)
