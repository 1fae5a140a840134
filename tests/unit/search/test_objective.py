import numpy as np
import pytest

from archlock.errors import ConfigurationError, SearchError
from archlock.search import (
    Judgement,
    SourceFloor,
    lock_judgement,
    published_judgement,
    published_scores,
    tabulated,
)
from archlock.spaces import SPACES

SOURCE = np.array([0.50, 0.90, 0.80, 0.70, 0.60])
TARGETS = np.array([[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 0.0, 9.0, 0.0, 0.0]])


def test_percentile_floor():
    floor = SourceFloor("percentile", 0.5)
    assert floor.keeps(SOURCE).tolist() == [False, True, True, True, False]
    assert np.allclose(floor.shortfall(SOURCE), [0.5, 0, 0, 0, 0.25])


def test_accuracy_floor():
    floor = SourceFloor("accuracy_loss", 0.1)
    assert floor.keeps(SOURCE).tolist() == [False, True, True, False, False]
    assert np.allclose(floor.shortfall(SOURCE), [0.3, 0, 0, 0.1, 0.2])


def test_an_accuracy_floor_works_on_negative_values_too():
    assert np.allclose(SourceFloor("accuracy_loss", 0.0).measure(SOURCE - 2), 0.9 - SOURCE)


@pytest.mark.parametrize("kind", ["percentile", "accuracy_loss"])
def test_the_best_keeps_the_strictest_floor(kind):
    assert SourceFloor(kind, 1.0 if kind == "percentile" else 0.0).keeps(SOURCE).tolist() == [0, 1, 0, 0, 0]


def test_floors_that_make_no_sense():
    with pytest.raises(ConfigurationError, match="as a fraction from 0 to 1; got 'percentile' 97"):
        SourceFloor("percentile", 97.0)


@pytest.mark.parametrize(("aggregate", "expected"), [("mean", [-3, -2, -6, -1, -0.5]), ("worst", [-5, -4, -9, -2, -1])])
def test_lock_scores_are_the_attackers_loss(aggregate, expected):
    judgement = lock_judgement(SOURCE, TARGETS, SourceFloor("percentile", 0.5), aggregate=aggregate)
    assert judgement.scores.tolist() == expected
    assert judgement.feasible.tolist() == [False, True, True, True, False]


def test_source_only_is_the_ordinary_search():
    judgement = lock_judgement(SOURCE, np.zeros((0, 5)), SourceFloor("percentile", 0.5))
    assert judgement.scores.tolist() == SOURCE.tolist()
    assert published_scores(np.array([4.0, 0.0]), np.zeros((0, 2))).tolist() == [-4, 0]


def test_infeasible_keys_are_below_all_feasible_ones_and_ordered_by_shortfall():
    keys = Judgement(np.array([9.0, -5.0, 7.0]), np.array([0.2, 0.0, 0.1])).keys()
    assert sorted(range(3), key=keys.__getitem__) == [0, 2, 1]


def test_published_fitness_by_hand():
    # source ranks of SOURCE: 4 0 1 2 3; target ranks of the first target: 0 1 2 3 4, of the second: 1 3 0 3 3
    judgement = published_judgement(SOURCE, TARGETS, SourceFloor("percentile", 0.0))
    assert judgement.scores.tolist() == [0.5 - 8, 2 - 0, 1 - 2, 3 - 4, 3.5 - 6]
    worst = published_judgement(SOURCE, TARGETS, SourceFloor("percentile", 0.0), weight=1.0, aggregate="worst")
    assert worst.scores.tolist() == [0 - 4, 1 - 0, 0 - 1, 3 - 2, 3 - 3]


def test_judgements_are_born_valid():
    with pytest.raises(SearchError, match="got 2 scores and 1 shortfalls"):
        Judgement(np.zeros(2), np.zeros(1))
    with pytest.raises(SearchError, match="got 1 scores and 0 shortfalls that are not finite"):
        Judgement(np.array([-np.inf, 0]), np.zeros(2))
    with pytest.raises(SearchError, match=r"a shortfall is 0 or more; got -0.5"):
        Judgement(np.zeros(2), np.array([0, -0.5]))


def test_tabulated_looks_up_and_refuses_strangers():
    space = SPACES["transnas101_micro"]
    known = [space.architecture(code) for code in ("333333", "111111")]
    objective = tabulated(known, Judgement(np.array([1.0, 2.0]), np.array([0.0, 0.3])))
    judgement = objective([known[1], known[0], known[1]])
    assert judgement.scores.tolist() == [2, 1, 2]
    assert judgement.shortfall.tolist() == [0.3, 0, 0.3]
    with pytest.raises(SearchError, match="transnas101_micro:222222 was not judged; the table has 2 other"):
        objective([space.architecture("222222")])
    with pytest.raises(SearchError, match="got 1 architectures and 2 judgements"):
        tabulated(known[:1], Judgement(np.zeros(2), np.zeros(2)))
