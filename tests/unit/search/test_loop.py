import numpy as np
import pytest

from archlock.errors import ConfigurationError, SearchError
from archlock.search import (
    STRATEGIES,
    Exhaustive,
    Judgement,
    RandomSampling,
    SourceFloor,
    Strategy,
    lock_judgement,
    search,
    tabulated,
)
from archlock.spaces import SPACES

MICRO = SPACES["transnas101_micro"]
EVERYTHING = tuple(MICRO.enumerate())
DIGITS = np.array([[int(digit) for digit in MICRO.canonicalise(a).code] for a in EVERYTHING], dtype=float)
SOURCE = (DIGITS == 3).sum(axis=1) + 0.1 * DIGITS[:, 0]
TARGET = (DIGITS**2).sum(axis=1) - 3 * DIGITS[:, 3]
FLOOR = SourceFloor("percentile", 0.9)
JUDGEMENT = lock_judgement(SOURCE, TARGET[None], FLOOR)


def test_exhaustive_search_is_brute_force():
    trace = search(Exhaustive(MICRO), tabulated(EVERYTHING, JUDGEMENT), evaluations=len(MICRO), keep=3)
    classes = [i for i, a in enumerate(EVERYTHING) if MICRO.canonicalise(a) == a]
    feasible = [i for i in classes if JUDGEMENT.feasible[i]]
    best = sorted(feasible, key=lambda i: (TARGET[i], EVERYTHING[i].code))[:3]
    assert [found.architecture for found in trace.best] == [EVERYTHING[i] for i in best]
    assert [found.score for found in trace.best] == [-TARGET[i] for i in best]
    assert (trace.evaluated, trace.feasible) == (len(classes), len(feasible))
    assert trace.history[-1] == trace.best[0]
    scores = [found.score for found in trace.history]
    assert scores == sorted(set(scores))


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "shgo"])  # (MICRO has six digits)
def test_budget_is_kept_and_no_class_is_paid_twice(name):
    paid = []

    def objective(asked):
        paid.extend(asked)
        return tabulated(EVERYTHING, JUDGEMENT)(asked)

    budget = 29 if name.startswith("epnas") else 337  # (a batch has eight, a model is fitted for each)
    trace = search(STRATEGIES[name](MICRO, seed=1), objective, evaluations=budget, keep=10)
    assert trace.evaluated == len(paid) == budget
    assert len({MICRO.canonicalise(a) for a in paid}) == budget
    assert len({MICRO.canonicalise(found.architecture) for found in trace.best}) == len(trace.best)


def test_evolution_beats_random_sampling():
    def mean_best(name):
        return np.mean(
            [
                search(STRATEGIES[name](MICRO, seed=s), tabulated(EVERYTHING, JUDGEMENT), evaluations=150).best[0].score
                for s in range(8)
            ]
        )

    assert mean_best("regularised_evolution") > mean_best("random_sampling")
    assert mean_best("local_search") > mean_best("random_sampling")


def test_nothing_feasible_names_the_nearest_miss():
    shortfall = np.full(len(MICRO), 0.25)
    shortfall[EVERYTHING.index(MICRO.architecture("333333"))] = 0.125
    objective = tabulated(EVERYTHING, Judgement(np.zeros(len(MICRO)), shortfall))
    with pytest.raises(SearchError, match=r"none of the 2128 .* nearest, transnas101_micro:333333, misses it by 0.125"):
        search(Exhaustive(MICRO), objective, evaluations=len(MICRO))


@pytest.mark.parametrize(("evaluations", "keep"), [(0, 1), (5, 0)])
def test_empty_budgets(evaluations, keep):
    with pytest.raises(ConfigurationError, match=f"got evaluations={evaluations}, keep={keep}"):
        search(Exhaustive(MICRO), tabulated(EVERYTHING, JUDGEMENT), evaluations=evaluations, keep=keep)


class Silent(Strategy):
    space = MICRO

    def ask(self):
        return ()

    def tell(self, architectures, judgement):
        raise AssertionError("nothing was asked")


class Stubborn(Silent):
    def ask(self):
        return EVERYTHING[:2]

    def tell(self, architectures, judgement):
        assert len(judgement.scores) == len(architectures) == 2


def test_a_strategy_that_asks_for_nothing():
    with pytest.raises(SearchError, match="asked for nothing"):
        search(Silent(), tabulated(EVERYTHING, JUDGEMENT), evaluations=1)


def test_a_strategy_that_repeats_itself_comes_to_an_end():
    free = tabulated(EVERYTHING, Judgement(JUDGEMENT.scores, np.zeros(len(MICRO))))
    assert search(Stubborn(), free, evaluations=10).evaluated == 1  # both are the empty cell


def test_random_sampling_ends_when_the_space_does():
    macro = SPACES["transnas101_macro"]
    everything = tuple(macro.enumerate())
    free = tabulated(everything, Judgement(np.zeros(len(everything)), np.zeros(len(everything))))
    trace = search(RandomSampling(macro, seed=0), free, evaluations=10**6)
    assert 0.9 * len(macro) < trace.evaluated <= len(macro)
