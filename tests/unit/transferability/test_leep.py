import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from archlock.transferability import ESTIMATES, Features
from archlock.transferability.nce import negative_conditional_entropy

SAID = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [0.1, 0.9]])
NOTHING = np.ones((4, 1))


def value(name, said, labels):
    labels = np.asarray(labels)
    return ESTIMATES[name].estimate(Features(np.ones((len(said), 1)), labels, 3, said), seed=0)


def test_leep_of_four_examples_by_hand():
    # joint: label 0 has 1.4 and 0.6 of the two source classes, label 1 has 0.4 and 1.6
    first, second = 1.4 / 1.8, 0.6 / 2.2
    each = [
        0.8 * first + 0.2 * second,
        0.6 * first + 0.4 * second,
        0.3 * (1 - first) + 0.7 * (1 - second),
        0.1 * (1 - first) + 0.9 * (1 - second),
    ]
    np.testing.assert_allclose(value("leep", SAID, [0, 0, 1, 1]), np.log(each).mean(), rtol=1e-12)


def test_leep_of_answers_without_content_is_minus_the_entropy_of_the_labels():
    expected = 0.75 * np.log(0.75) + 0.25 * np.log(0.25)
    np.testing.assert_allclose(value("leep", np.full((4, 2), 0.5), [2, 2, 0, 2]), expected, rtol=1e-12)


def test_nce_of_four_examples_by_hand():
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])  # three of the first class, one of the second
    expected = (2 * np.log(2 / 3) + np.log(1 / 3)) / 4
    np.testing.assert_allclose(value("nce", said, [0, 0, 1, 1]), expected, rtol=1e-12)


def test_perfect_answers_leave_nothing_to_be_told():
    sure = np.eye(3)[[2, 2, 0, 1]]
    assert value("leep", sure, [0, 0, 2, 1]) == value("nce", sure, [0, 0, 2, 1]) == 0


@pytest.mark.parametrize("seed", range(3))
def test_nce_is_mutual_information_less_entropy_and_bounds_leep(seed):
    rng = np.random.default_rng(seed)
    said, labels = rng.dirichlet(np.ones(6), size=200), rng.integers(3, size=200)
    sources = said.argmax(1)
    share = np.bincount(labels) / 200
    expected = mutual_info_score(sources, labels) + (share * np.log(share)).sum()
    nce = value("nce", said, labels)
    np.testing.assert_allclose(nce, expected, rtol=1e-10)
    np.testing.assert_allclose(negative_conditional_entropy(sources, labels), expected, rtol=1e-10)
    sure = np.eye(6)[sources]
    np.testing.assert_allclose(value("leep", sure, labels), nce, rtol=1e-10)  # of hard answers they are the same


def slow_leep(said, labels):
    total = 0.0
    for answer, label in zip(said, labels, strict=True):
        likely = 0.0
        for source in range(said.shape[1]):
            mine = sum(a[source] for a, other in zip(said, labels, strict=True) if other == label)
            likely += answer[source] * mine / sum(a[source] for a in said)
        total += np.log(likely)
    return total / len(said)


def test_leep_equals_the_loops_of_the_paper():
    rng = np.random.default_rng(5)
    said, labels = rng.dirichlet(np.full(4, 0.3), size=60), rng.integers(3, size=60)
    np.testing.assert_allclose(value("leep", said, labels), slow_leep(said, labels), rtol=1e-12)


def test_a_source_class_that_is_never_said_plays_no_part():
    padded = np.column_stack([SAID, np.zeros(4)])
    assert value("leep", padded, [0, 0, 1, 1]) == value("leep", SAID, [0, 0, 1, 1])
