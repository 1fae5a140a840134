"""What the limits took: the best that is believed of all architectures and of those within the limits, by one model.

The trainings of the search are told, once more, to a search whose candidates are all architectures. Nothing is bought.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from archlock.recipes.engine.market import AroundMarket, Ask, Bought, Candidates, Kind, Market
from archlock.recipes.engine.spending import search_on
from archlock.reports import LimitsPriceRecord
from archlock.search import SourceFloor

Trade = tuple[Ask, Bought]


@dataclass(frozen=True, slots=True, eq=False)
class NotedMarket(AroundMarket):
    """A :class:`~archlock.recipes.engine.market.Market` that remembers what was bought on it."""

    trades: list[Trade] = field(default_factory=list)

    @property
    def candidates(self) -> Candidates:
        """Those of the market."""
        return self.market.candidates

    def left(self, kind: Kind) -> int:
        """What the market still sells."""
        return self.market.left(kind)

    def buy(self, ask: Ask) -> Bought:
        """Buy, and remember."""
        bought = self.market.buy(ask)
        self.trades.append((ask, bought))
        return bought


@dataclass(frozen=True, slots=True, eq=False)
class _Wider(AroundMarket):
    """The market with all architectures as candidates; what it sold is what there is."""

    candidates: Candidates
    sold: dict[Kind, int]

    def left(self, kind: Kind) -> int:
        return self.sold[kind]

    def buy(self, ask: Ask) -> Bought:
        raise NotImplementedError(f"nothing is bought here; asked for {len(ask.rows)} trainings")


def limits_price(
    market: Market,
    trades: Sequence[Trade],
    every: Candidates,
    floor: SourceFloor,
    *,
    seed: int,
    lesson: Float[np.ndarray, " architectures"] | None = None,
) -> tuple[LimitsPriceRecord, ...]:
    """What is believed best on the source and, where there are targets, for the lock, within the limits and without.

    ``market`` is the one that the ``trades`` were made on; its candidates are those within the limits, ``every`` has
    these and all others. ``lesson``: what recorded trainings said of all of them.
    """
    place = {one: row for row, one in enumerate(every.architectures)}
    within = np.array([place[one] for one in market.candidates.architectures])
    sold: dict[Kind, int] = {"short": 0, "full": 0}
    for ask, _ in trades:
        sold[ask.kind] += len(ask.rows)
    search = search_on(_Wider(market, every, sold), floor, seed=seed, lesson=lesson)
    for kind in ("short", "full"):
        for ask, bought in trades:
            if ask.kind == kind:
                search.tell(replace(ask, rows=within[ask.rows]), bought)
        search.ask()  # (after the short trainings: they are over, and full ones are foretold by them)
    found = search.found()
    source, codes = found.source.mean, [one.code for one in every.architectures]
    prices = [_price("source", source, within, source, codes, sign=1)]
    if len(found.beliefs) > 1:
        gains = np.mean([one.belief.mean for one in found.beliefs[1:]], axis=0)
        bounds = _least(floor, source, every.shares), _least(floor, source[within], market.candidates.shares)
        judged = np.where(source >= bounds[0], found.against.mean, np.inf)
        judged[within] = np.where(source[within] >= bounds[1], found.against.mean[within], np.inf)
        prices.append(_price("targets", judged, within, gains, codes, sign=-1))
    return tuple(prices)


def _least(
    floor: SourceFloor, source: Float[np.ndarray, " architectures"], shares: Float[np.ndarray, " architectures"]
) -> float:
    """The believed source value from which on the floor is kept, among these architectures."""
    if floor.kind == "accuracy_loss":
        return float(source.max()) - floor.value
    order = np.argsort(source, kind="stable")
    below = 1 - shares.sum() + np.cumsum(shares[order]) - shares[order]
    return float(source[order][np.searchsorted(below, floor.value).clip(max=len(order) - 1)])


def _price(
    what: Literal["source", "targets"],
    judged: Float[np.ndarray, " architectures"],
    within: Int[np.ndarray, " kept"],
    shown: Float[np.ndarray, " architectures"],
    codes: Sequence[str],
    *,
    sign: int,
) -> LimitsPriceRecord:
    best, best_within = int(np.argmax(sign * judged)), int(within[np.argmax(sign * judged[within])])
    return LimitsPriceRecord(
        what=what,
        within=float(shown[best_within]),
        within_code=codes[best_within],
        without=float(shown[best]),
        without_code=codes[best],
    )
