"""Spend what a market sells on a lock search, from the first question to the decision."""

import numpy as np
from jaxtyping import Float

from archlock.recipes.engine.asked import Asked, Evidence, Found
from archlock.recipes.engine.lock_search import LockSearch
from archlock.recipes.engine.market import Market
from archlock.recipes.engine.settings import DEFAULTS, EngineSettings
from archlock.search import SourceFloor


def search_lock(
    market: Market,
    floor: SourceFloor,
    *,
    seed: int,
    label: str = "",
    against: Evidence = "trainings",
    lesson: Float[np.ndarray, " architectures"] | None = None,
    settings: EngineSettings = DEFAULTS,
) -> Found:
    """Spend all that the market sells, and decide. The same market and seed give the same answer."""
    search = search_on(market, floor, seed=seed, label=label, against=against, lesson=lesson, settings=settings)
    spend(search, market)
    return search.found()


def search_on(
    market: Market,
    floor: SourceFloor,
    *,
    seed: int,
    label: str = "",
    against: Evidence = "trainings",
    lesson: Float[np.ndarray, " architectures"] | None = None,
    settings: EngineSettings = DEFAULTS,
) -> LockSearch:
    """A search with all that a market sells before it."""
    asked = Asked(floor, market.left("short"), market.left("full"), against, lesson)
    return LockSearch(market.candidates, asked, market.others, market.known, market.repeatable, seed, label, settings)


def spend(search: LockSearch, market: Market, *, confirmed: int = 1) -> None:
    """Buy what the search asks for, and then, until the decision stands on ``confirmed`` trainings, what it lacks."""
    while (ask := search.ask()) is not None:
        search.tell(ask, market.buy(ask))
    while (ask := search.confirm(confirmed)) is not None:
        search.tell(ask, market.buy(ask))
