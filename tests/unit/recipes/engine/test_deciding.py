"""Which candidate is the lock, and which one is trained again first."""

import numpy as np
import pytest

from archlock.recipes.engine.deciding import challenger, chosen
from archlock.recipes.engine.settings import EngineSettings
from archlock.recipes.engine.spending import search_on, spend
from archlock.search import SourceFloor
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
    found = challenger(0, ROWS, np.array(kept), np.array(loss), np.full(3, 0.02), SETTINGS)
    assert found == expected


def test_nothing_open_is_nothing() -> None:
    none = np.array([], dtype=int)
    assert challenger(0, none, np.ones(1), np.zeros(1), np.ones(1), SETTINGS) is None


def near_the_floor(truth: float) -> MadeUpMarket:
    """Four candidates; the last one is worst for the target, and after its first training, whatever it is worth, it is
    likely to keep the floor of 0.70, but not sure."""

    class FirstUnlucky(MadeUpMarket):
        def _train(self, kind: str, row: int, number: int) -> np.ndarray:
            worth = super()._train(kind, row, number)
            return np.array([0.693, worth[1]]) if (row, number) == (3, 0) else worth

    source, target = [0.72, 0.715, 0.71, truth], [0.5, 0.5, 0.5, 0.2]
    return FirstUnlucky(made_up_candidates(4), np.array([source, target]), 4, noise=0.004)


@pytest.mark.parametrize(("truth", "lock"), [(0.71, True), (0.68, False)])
def test_the_better_candidate_near_the_floor_is_confirmed_or_given_up_by_more_trainings(
    truth: float, lock: bool
) -> None:
    market = near_the_floor(truth)
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
