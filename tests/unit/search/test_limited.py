import numpy as np
import pytest

from archlock.search import STRATEGIES, Judgement, Limited, RegularisedEvolution, search, tabulated
from archlock.spaces import SPACES

MICRO = SPACES["transnas101_micro"]
EVERYTHING = tuple(MICRO.enumerate())
JUDGEMENT = Judgement(np.arange(float(len(EVERYTHING))), np.zeros(len(EVERYTHING)))
COST = dict(zip(EVERYTHING, MICRO.relative_cost(EVERYTHING).tolist(), strict=True))


def over(asked):
    return np.array([max(COST[one] / 20 - 1, 0) for one in asked])


@pytest.mark.parametrize("name", ["random_sampling", "local_search", "nsga2", "exhaustive"])
def test_a_strategy_that_knows_no_limits_pays_for_nothing_above_them(name):
    paid = []

    def objective(asked):
        paid.extend(asked)
        return tabulated(EVERYTHING, JUDGEMENT)(asked)

    for strategy in (Limited(STRATEGIES[name](MICRO, seed=0), over), RegularisedEvolution(MICRO, limits=over, seed=0)):
        paid.clear()
        search(strategy, objective, evaluations=80)
        assert len(paid) == 80
        assert (over(paid) == 0).all()


def test_where_nothing_is_within_the_limits_nothing_is_asked():
    strategy = Limited(STRATEGIES["random_sampling"](MICRO, seed=0), lambda asked: np.ones(len(asked)))
    assert tuple(strategy.ask()) == ()
