"""The jackknife over tasks: numbers by hand, and a simulation of how often its interval holds the truth."""

from collections.abc import Callable
from itertools import permutations, product

import numpy as np
import pytest
from scipy import stats

from archlock.jackknife import Spread, enough_tasks, over_repeats, over_tasks
from crossed import DESIGNS, MIXTURES, crossed


def mean_of(values: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda kept: float(values[kept].mean())


def interval(pairs: tuple[tuple[str, str], ...], values: np.ndarray) -> tuple[float, float]:
    """Of the mean of values, pairs x seeds, over tasks and seeds."""
    spread = over_tasks(pairs, mean_of(values.mean(axis=1)))
    assert spread is not None
    by_seed = values.mean(axis=0)
    spread = spread.beside(over_repeats(len(by_seed), lambda place: float(np.delete(by_seed, place).mean())))
    return values.mean() - spread.half_width, values.mean() + spread.half_width


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("mixture", MIXTURES)
def test_the_interval_holds_the_truth_as_often_as_it_says(design: str, mixture: str) -> None:
    """At least 0.90 of 400 made-up evaluations whose true mean is 0; measured over 3,000 it is 0.937 or more."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        low, high = interval(DESIGNS[design], crossed(DESIGNS[design], MIXTURES[mixture], seeds=20, rng=rng))
        held += low <= 0 <= high
    assert held / 400 >= 0.90


def test_three_tasks_by_hand() -> None:
    values = {("a", "b"): 1.0, ("b", "c"): 2.0, ("c", "a"): 3.0, ("a", "c"): -2.0}
    spread = over_tasks(tuple(values), mean_of(np.array(list(values.values()))))
    left = np.array([2.0, np.mean([3.0, -2.0]), 1.0])  # without a, b and c
    assert spread is not None
    assert spread.freedom == 2
    assert spread.error == pytest.approx(np.sqrt(2 / 3 * ((left - left.mean()) ** 2).sum()))
    assert spread.half_width == pytest.approx(spread.error * stats.t.ppf(0.975, 2))


def test_over_repetitions_of_a_mean_it_is_the_standard_error() -> None:
    values = np.array([3.0, 4.5, 1.0, 7.0])
    spread = over_repeats(4, lambda place: float(np.delete(values, place).mean()))
    assert spread is not None
    assert (spread.error, spread.freedom) == pytest.approx((stats.sem(values), 3))
    assert Spread(3.0, 6).beside(Spread(4.0, 2)) == Spread(5.0, 6)
    assert Spread(3.0, 6).beside(None) == Spread(3.0, 6)


def test_two_tasks_in_a_margin_are_too_few() -> None:
    two_sources = tuple(product("ab", "xyz"))
    assert not enough_tasks(two_sources)
    assert over_tasks(two_sources, mean_of(np.arange(6.0))) is None
    assert over_tasks((("a", "b"), ("b", "a")), mean_of(np.arange(2.0))) is None
    assert not enough_tasks(())
    assert over_repeats(1, lambda place: 1.0) is None


def test_a_task_that_all_pairs_have_leaves_nothing() -> None:
    star = (("k", "x"), ("k", "y"), ("k", "z"), ("a", "k"), ("b", "k"))
    assert enough_tasks(star)
    assert over_tasks(star, mean_of(np.arange(5.0))) is None


def test_a_statistic_that_does_not_exist_without_a_task_has_no_spread() -> None:
    pairs = tuple(permutations("abc", 2))
    assert over_tasks(pairs, lambda kept: None if kept.sum() == 2 else 1.0) is None
