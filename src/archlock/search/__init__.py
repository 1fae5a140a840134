"""Search: objectives over scores, and strategies that look for the architecture that maximises them."""

from archlock.catalog import Catalog
from archlock.search.acquisition import Belief, Noise, worth_of_measuring
from archlock.search.exhaustive import Exhaustive
from archlock.search.local_search import LocalSearch
from archlock.search.loop import Found, SearchTrace, search
from archlock.search.nsga2 import Nsga2
from archlock.search.objective import (
    AGGREGATES,
    Judgement,
    Objective,
    SourceFloor,
    lock_judgement,
    published_judgement,
    published_scores,
    tabulated,
)
from archlock.search.random_sampling import RandomSampling
from archlock.search.regularised_evolution import RegularisedEvolution
from archlock.search.strategy import Strategy, StrategyMaker
from archlock.search.trade_off import TradeOffPoint, trade_off

STRATEGIES: Catalog[StrategyMaker] = Catalog(
    "strategy",
    {
        "exhaustive": Exhaustive,
        "random_sampling": RandomSampling,
        "regularised_evolution": RegularisedEvolution,
        "local_search": LocalSearch,
        "nsga2": Nsga2,
    },
)

__all__ = [
    "AGGREGATES",
    "STRATEGIES",
    "Belief",
    "Exhaustive",
    "Found",
    "Judgement",
    "LocalSearch",
    "Noise",
    "Nsga2",
    "Objective",
    "RandomSampling",
    "RegularisedEvolution",
    "SearchTrace",
    "SourceFloor",
    "Strategy",
    "StrategyMaker",
    "TradeOffPoint",
    "lock_judgement",
    "published_judgement",
    "published_scores",
    "search",
    "tabulated",
    "trade_off",
    "worth_of_measuring",
]
