from collections import Counter

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.search import Exhaustive, Judgement, LocalSearch, RegularisedEvolution
from archlock.spaces import SPACES

MICRO = SPACES["transnas101_micro"]


def judged(architectures, scores=None):
    scores = np.zeros(len(architectures)) if scores is None else np.array(scores, dtype=float)
    return Judgement(scores, np.zeros(len(architectures)))


def test_exhaustive_gives_every_class_once():
    strategy = Exhaustive(MICRO, chunk=500)
    seen = []
    while chunk := strategy.ask():
        assert len(chunk) <= 500
        seen.extend(chunk)
        strategy.tell(chunk, judged(chunk))
    assert Counter(seen) == Counter({MICRO.canonicalise(a) for a in MICRO.enumerate()})


def test_evolution_ages_and_mutates_the_best_by_one_edge():
    strategy = RegularisedEvolution(MICRO, population=3, tournament=3, seed=0)
    first = [MICRO.architecture(code) for code in ("333333", "222222", "111111")]
    strategy.tell(first, judged(first, [3, 2, 1]))
    (child,) = strategy.ask()
    assert child in MICRO.neighbours(first[0])
    strategy.tell([child], judged([child], [0]))
    # 333333 was the oldest and has left, although it was the best
    (child,) = strategy.ask()
    assert child in MICRO.neighbours(first[1])


def test_evolution_does_not_repeat_a_class():
    strategy = RegularisedEvolution(MICRO, seed=3)
    population = strategy.ask()
    assert len(population) == 10
    strategy.tell(population, judged(population))
    seen = {MICRO.canonicalise(a) for a in population}
    for _ in range(200):
        (child,) = strategy.ask()
        assert MICRO.canonicalise(child) not in seen
        seen.add(MICRO.canonicalise(child))
        strategy.tell([child], judged([child]))


def test_evolution_goes_on_when_everything_near_is_known():
    strategy = RegularisedEvolution(MICRO, population=1, tournament=1, retries=3, seed=0)
    everything = tuple(MICRO.enumerate())
    strategy.tell(everything, judged(everything))
    assert len(strategy.ask()) == 1


@pytest.mark.parametrize(("population", "tournament"), [(5, 6), (5, 0)])
def test_impossible_tournaments(population, tournament):
    with pytest.raises(
        ConfigurationError, match=rf"between 1 and population \({population}\) members; got {tournament}"
    ):
        RegularisedEvolution(MICRO, population=population, tournament=tournament, seed=0)


def test_local_search_climbs_and_restarts():
    strategy = LocalSearch(MICRO, seed=0)
    (start,) = strategy.ask()
    strategy.tell([start], judged([start], [0]))
    around = strategy.ask()
    assert around == MICRO.neighbours(start)
    scores = np.zeros(len(around))
    scores[4] = 1
    strategy.tell(around, judged(around, scores))
    assert strategy.ask() == MICRO.neighbours(around[4])
    strategy.tell(MICRO.neighbours(around[4]), judged(MICRO.neighbours(around[4])))
    assert len(strategy.ask()) == 1  # no neighbour is better: a new start
