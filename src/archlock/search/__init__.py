"""Search: objectives over scores, and strategies that look for the architecture that maximises them."""

from archlock.catalog import Catalog
from archlock.search.acquisition import Belief, Noise, worth_of_measuring
from archlock.search.differential_evolution import DifferentialEvolution
from archlock.search.epnas import (
    ABLATIONS,
    Epnas,
    EpnasSettings,
    epnas_without_policy,
    epnas_without_predictor,
)
from archlock.search.exhaustive import Exhaustive
from archlock.search.limited import Limited
from archlock.search.limits import Overshoot, smallest_within
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
from archlock.search.shgo import Shgo
from archlock.search.strategy import LimitedMaker, Strategy, StrategyMaker
from archlock.search.trade_off import TradeOffPoint, trade_off

STRATEGIES: Catalog[StrategyMaker] = Catalog(
    "strategy",
    {
        "exhaustive": Exhaustive,
        "random_sampling": RandomSampling,
        "regularised_evolution": RegularisedEvolution,
        "local_search": LocalSearch,
        "nsga2": Nsga2,
        "epnas": Epnas,
        "epnas_without_policy": epnas_without_policy,
        "epnas_without_predictor": epnas_without_predictor,
        "differential_evolution": DifferentialEvolution,
        "shgo": Shgo,
    },
)

KEEPING: Catalog[LimitedMaker] = Catalog(
    "strategy that takes limits",
    {
        "regularised_evolution": RegularisedEvolution,
        "epnas": Epnas,
        "epnas_without_policy": epnas_without_policy,
        "epnas_without_predictor": epnas_without_predictor,
        "differential_evolution": DifferentialEvolution,
        "shgo": Shgo,
    },
)
"""Those of them that take limits into account when they propose; the others are wrapped (:class:`Limited`)."""

__all__ = [
    "ABLATIONS",
    "AGGREGATES",
    "KEEPING",
    "STRATEGIES",
    "Belief",
    "DifferentialEvolution",
    "Epnas",
    "EpnasSettings",
    "Exhaustive",
    "Found",
    "Judgement",
    "Limited",
    "LimitedMaker",
    "LocalSearch",
    "Noise",
    "Nsga2",
    "Objective",
    "Overshoot",
    "RandomSampling",
    "RegularisedEvolution",
    "SearchTrace",
    "Shgo",
    "SourceFloor",
    "Strategy",
    "StrategyMaker",
    "TradeOffPoint",
    "lock_judgement",
    "published_judgement",
    "published_scores",
    "search",
    "smallest_within",
    "tabulated",
    "trade_off",
    "worth_of_measuring",
]
