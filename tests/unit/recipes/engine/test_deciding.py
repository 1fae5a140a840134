"""Which candidate is the lock, and which one is trained again first."""

from dataclasses import replace

import numpy as np
import pytest

from archlock.recipes.engine.deciding import challenger, chosen
from archlock.recipes.engine.market import Ask
from archlock.recipes.engine.settings import EngineSettings
from archlock.recipes.engine.spending import search_on, spend
from archlock.search import Belief, SourceFloor
from made_up_markets import MadeUpMarket, made_up_candidates

SETTINGS = EngineSettings(sure=0.8, likely=0.5)
ROWS = np.array([0, 1, 2])


def test_the_least_loss_among_the_sure_ones_is_chosen() -> None:
    loss = np.array([0.5, 0.4, 0.3])
    assert chosen(ROWS, np.array([0.9, 0.8, 0.79]), loss, 0.8) == 1
    assert chosen(ROWS[:1], np.array([0.9, 0.8, 0.79]), loss, 0.8) == 0, "of what was measured"
    assert chosen(ROWS, np.array([0.3, 0.2, 0.6]), -loss, 0.8) == 2, "none is sure: the likeliest"


@pytest.mark.parametrize(
    ("kept", "loss", "expected"),
    [
        ([1.0, 0.7, 0.2], [0.5, 0.4, 0.1], 1),  # the better one likely misses the floor
        ([1.0, 0.7, 0.5], [0.5, 0.4, 0.3], 2),  # it is expected to bring more: a tenth of half
        ([1.0, 0.7, 0.5], [0.5, 0.4, 0.38], 1),
        ([1.0, 0.7, 0.2], [0.5, 0.49, 0.1], None),  # within its own doubt
        ([1.0, 0.8, 0.8], [0.5, 0.4, 0.3], None),  # sure ones need no more trainings to be chosen
        ([1.0, 0.7, 0.7], [0.5, 0.6, 0.5], None),  # worse than the choice, or equal
    ],
)
def test_what_likely_keeps_the_floor_and_promises_more_is_looked_at_again(
    kept: list[float], loss: list[float], expected: int | None
) -> None:
    found = challenger(0, ROWS, np.array(kept), Belief(np.array(loss), np.full(3, 0.02)), SETTINGS)
    assert found == expected


def test_nothing_open_is_nothing() -> None:
    none = np.array([], dtype=int)
    assert challenger(0, none, np.ones(1), Belief(np.zeros(1), np.ones(1)), SETTINGS) is None


def near_the_floor(truth: float, *, known: bool = True) -> MadeUpMarket:
    """Four candidates; the last one is worst for the target, and after its first training, whatever it is worth, it is
    likely to keep the floor of 0.70, but not sure."""

    class FirstUnlucky(MadeUpMarket):
        def _train(self, kind: str, row: int, number: int) -> np.ndarray:
            worth = super()._train(kind, row, number)
            return np.array([0.693, worth[1]]) if (row, number) == (3, 0) else worth

    source, target = [0.72, 0.715, 0.71, truth], [0.5, 0.5, 0.5, 0.2]
    return FirstUnlucky(made_up_candidates(4), np.array([source, target]), 4, noise=0.004, known=known)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("truth", "lock"), [(0.71, True), (0.68, False)])
def test_the_better_candidate_near_the_floor_is_confirmed_or_given_up_by_more_trainings(
    truth: float, lock: bool, known: bool
) -> None:
    market = near_the_floor(truth, known=known)
    search = search_on(market, SourceFloor("accuracy_loss", 0.02), seed=0)
    search.reference = (0.72, 0.001)
    while (ask := search.ask()) is not None:
        search.tell(ask, market.buy(ask))
    assert search.found().row != 3, "not sure after one training"
    market.full = 12  # what confirms is bought beside the budget
    spend(search, market, confirmed=3)
    assert market.bought("full").count(3) == 3
    found = search.found()
    assert (found.row == 3) is lock
    assert market.bought("full").count(found.row) == 3


def test_only_one_candidate_is_looked_at_again() -> None:
    """However many of them promise more: each costs trainings that no plan has."""

    class Unlucky(MadeUpMarket):
        def _train(self, kind: str, row: int, number: int) -> np.ndarray:
            worth = super()._train(kind, row, number)
            return np.array([0.7005 if number == 0 else 0.68, worth[1]]) if row >= 3 else worth

    source, target = [0.72, 0.719, 0.718, 0.7, 0.7, 0.7, 0.7], [0.5, 0.5, 0.5, 0.3, 0.25, 0.2, 0.15]
    market = Unlucky(made_up_candidates(7), np.array([source, target]), 21, noise=0.0, told_noise=0.002)
    search = search_on(market, SourceFloor("accuracy_loss", 0.02), seed=0)
    search.reference = (0.72, 0.001)
    ask = Ask("full", np.arange(7), np.zeros(7, dtype=int))
    search.tell(ask, market.buy(ask))
    assert ((kept := search._kept(search.found().source, Belief(np.array([0.7]), np.array([0.001]))))[3:] >= 0.5).all()
    assert (kept[3:] < 0.8).all(), "four that are likely to keep it, and none surely"
    confirmed = []
    while (again := search.confirm(3)) is not None:
        search.tell(again, market.buy(again))
        confirmed.append(set(again.rows.tolist()))
    assert len([rows for rows in confirmed if rows <= {3, 4, 5, 6}]) == 1, confirmed
    assert search.found().row < 3


def test_what_collapsed_never_keeps_the_floor_however_alike_the_others_are() -> None:
    """Low values are held up to the others, so that a trend is not torn; the floor is not kept by that."""
    source = [0.720, 0.719, 0.718, 0.717, 0.716, 0.718, 0.717, 0.716, 0.715, 0.550]
    market = MadeUpMarket(made_up_candidates(10), np.array([source, [0.5] * 9 + [0.1]]), 10, told_noise=0.004)
    search = search_on(market, SourceFloor("accuracy_loss", 0.02), seed=0)
    search.reference = (0.72, 0.001)
    ask = Ask("full", np.arange(10), np.zeros(10, dtype=int))
    search.tell(ask, market.buy(ask))
    found = search.found()
    assert found.source.mean[9] > 0.70, "it is held up, else this tests nothing"
    assert found.row != 9


def test_a_search_to_which_all_candidates_are_given_still_spends_its_budget() -> None:
    """On further trainings of what is close to the decision."""
    market = MadeUpMarket(made_up_candidates(6), np.array([np.full(6, 0.7), np.full(6, 0.5)]), 20, noise=0.01)
    search = search_on(market, SourceFloor("accuracy_loss", 0.02), seed=0)
    search.reference, search.given = (0.7, 0.005), tuple(range(6))
    search.asked = replace(search.asked, full=8)
    while (ask := search.ask()) is not None:
        search.tell(ask, market.buy(ask))
    assert len(market.bought("full")) == 6 + 8
