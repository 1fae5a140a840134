"""What the limits took, from trades that were made within them."""

import numpy as np
import pytest

from archlock.recipes.engine.market import Candidates, Market
from archlock.recipes.engine.spending import search_lock
from archlock.recipes.lock.limits_price import NotedMarket, limits_price
from archlock.search import SourceFloor
from made_up_markets import MadeUpMarket, smooth_market


def halved(market: MadeUpMarket) -> tuple[MadeUpMarket, np.ndarray]:
    """The market of the smaller half of the candidates."""
    rows = np.flatnonzero(market.candidates.size <= np.median(market.candidates.size))
    every = market.candidates
    fewer = Candidates(
        tuple(every.architectures[row] for row in rows),
        every.places[rows],
        every.size[rows],
        every.open_shortcut[rows],
        every.shares[rows] / every.shares[rows].sum(),
        every.capacity[rows],
    )
    return MadeUpMarket(fewer, market.worth[:, rows], market.full, market.short, market.noise), rows


@pytest.mark.parametrize("floor", [SourceFloor("percentile", 0.8), SourceFloor("accuracy_loss", 1.0)])
def test_the_best_is_believed_to_be_larger_where_size_is_good(floor: SourceFloor) -> None:
    wide = smooth_market(200, 30, short=30, noise=0.2)
    market, rows = halved(wide)
    noted = NotedMarket(market)
    assert isinstance(noted, Market)
    found = search_lock(noted, floor, seed=0)
    assert sum(len(ask.rows) for ask, _ in noted.trades) == 60
    source, targets = limits_price(market, noted.trades, wide.candidates, floor, seed=0)
    inside = {wide.candidates.architectures[row].code for row in rows}
    assert source.within_code in inside
    assert source.without_code not in inside, "the larger half is better on the source"
    assert source.without > source.within
    best = float(wide.worth[0, rows].max())
    assert source.within == pytest.approx(best, abs=1.0), "in the units of the source"
    assert (source.what, targets.what) == ("source", "targets")
    assert targets.within_code in inside
    assert found.architecture.code in inside


def test_what_recorded_trainings_said_counts_for_all_that_the_limits_left_out() -> None:
    wide, floor = smooth_market(200, 12, noise=0.2), SourceFloor("accuracy_loss", 1.0)
    market, rows = halved(wide)
    noted, lesson = NotedMarket(market), wide.worth[0]
    search_lock(noted, floor, seed=0, lesson=lesson[rows])
    plain, _ = limits_price(market, noted.trades, wide.candidates, floor, seed=0)
    told, _ = limits_price(market, noted.trades, wide.candidates, floor, seed=0, lesson=lesson)
    best = float(wide.worth[0].max())
    assert abs(told.without - best) < abs(plain.without - best)
