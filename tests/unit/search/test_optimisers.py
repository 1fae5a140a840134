"""Optimisers of SciPy as strategies: the size space with a made-up concave truth, against the enumerated optimum."""

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.search import DifferentialEvolution, Judgement, Shgo, search, tabulated
from archlock.search.shgo import POINTS
from archlock.spaces import SPACES

SIZES = SPACES["sizes"]
EVERYTHING = tuple(SIZES.enumerate())
WIDTHS = SIZES.channels(EVERYTHING) / 64
PEAK = np.array([0.3, 0.5, 0.8, 0.9, 0.6])
VALUES = 10 - (WIDTHS - PEAK) ** 2 @ np.array([1, 2, 1, 3, 1]) - (WIDTHS[:, 0] - WIDTHS[:, 1]) ** 2 / 2
COST = SIZES.relative_cost(EVERYTHING)
PLACE = {one: row for row, one in enumerate(EVERYTHING)}
LIMIT = 30.0


def limits(asked):
    return np.maximum(COST[[PLACE[one] for one in asked]] / LIMIT - 1, 0)


def share_of_best(found, allowed):
    return (found - VALUES.min()) / (VALUES[allowed].max() - VALUES.min())


@pytest.mark.parametrize("seed", range(10))
def test_differential_evolution_reaches_the_optimum(seed):
    objective = tabulated(EVERYTHING, Judgement(VALUES, np.zeros(len(VALUES))))
    trace = search(DifferentialEvolution(SIZES, seed=seed), objective, evaluations=1000)
    assert share_of_best(trace.best[0].score, np.ones(len(VALUES), dtype=bool)) >= 0.99


@pytest.mark.parametrize("seed", range(3))
def test_differential_evolution_keeps_limits_and_floor(seed):
    floor = np.where(WIDTHS[:, 4] > 0.5, 0.0, 0.5 - WIDTHS[:, 4] + 0.01)
    table = tabulated(EVERYTHING, Judgement(VALUES, floor))

    def objective(asked):
        assert (limits(asked) == 0).all(), "what oversteps the limits is never asked for"
        return table(asked)

    trace = search(DifferentialEvolution(SIZES, limits=limits, seed=seed), objective, evaluations=600)
    assert share_of_best(trace.best[0].score, (COST <= LIMIT) & (floor == 0)) >= 0.99


def test_shgo_takes_a_box_at_a_time():
    asked = []
    table = tabulated(EVERYTHING, Judgement(VALUES, np.zeros(len(VALUES))))

    def objective(batch):
        asked.append(len(batch))
        return table(batch)

    trace = search(Shgo(SIZES, seed=0), objective, evaluations=1000)
    assert asked[0] == POINTS, "what a box samples is asked for at once"
    assert trace.evaluated < 1000, "it ends with its smallest box"
    assert share_of_best(trace.best[0].score, np.ones(len(VALUES), dtype=bool)) >= 0.95
    within = search(Shgo(SIZES, limits=limits, seed=0), table, evaluations=1000)
    assert limits([within.best[0].architecture]) == 0


def test_a_population_too_small_to_differ_is_refused():
    with pytest.raises(ConfigurationError, match="differential evolution needs a population of at least 5; got 4"):
        DifferentialEvolution(SIZES, population=4, seed=0)
