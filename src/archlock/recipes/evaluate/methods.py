"""Methods that can be evaluated on recorded tables, by name."""

from dataclasses import dataclass

from archlock.catalog import Catalog
from archlock.recipes.evaluate.baselines.among_feasible import KNOWN_FEASIBLE, AmongFeasible
from archlock.recipes.evaluate.baselines.direct import EvolutionOnEvidence, RandomFinalists
from archlock.recipes.evaluate.baselines.passive import PassiveFewShot
from archlock.recipes.evaluate.baselines.proxies_only import ProxyVote, SingleProxy
from archlock.recipes.evaluate.baselines.published import Published, RankerCache
from archlock.recipes.evaluate.lock_method import LockMethod
from archlock.recipes.evaluate.method import RecordedMethod
from archlock.tables import SCHEMES, Scheme


@dataclass(frozen=True, slots=True)
class Entry:
    """A method, and what its rows say of it."""

    method: RecordedMethod
    preference: str
    strategy: str
    evidence: str
    """``few_shot``, or ``zero_cost``: then it is allowed no training but the finalists' on the source."""
    schemes: tuple[Scheme, ...] = SCHEMES
    known_feasible: int = 0
    """It is shown so many random architectures that keep the source floor, and chooses among them."""


def passive(preference: str, strategy: str = "exhaustive") -> Entry:
    """The ordinary few-shot way with members of the catalogs ``PREFERENCES`` and ``STRATEGIES``."""
    return Entry(PassiveFewShot(preference, strategy), preference, strategy, "few_shot")


METHODS: Catalog[Entry] = Catalog(
    "method",
    {
        "lock": Entry(LockMethod(), "kriging", "expected_improvement", "few_shot"),
        "zero_cost": Entry(LockMethod(against="structure"), "structure", "expected_improvement", "zero_cost", ("tu",)),
        "structure_feasible": Entry(AmongFeasible(), "structure", "exhaustive", "zero_cost", ("tu",), KNOWN_FEASIBLE),
        "vote_feasible": Entry(AmongFeasible("vote"), "vote", "exhaustive", "zero_cost", ("tk", "tu"), KNOWN_FEASIBLE),
        "random_feasible": Entry(
            AmongFeasible("random"), "none", "random_sampling", "zero_cost", ("tu",), KNOWN_FEASIBLE
        ),
        "passive": passive("score_model"),
        "ridge": passive("ridge"),
        "binary_ranker": passive("binary_ranker"),
        "training_vote": passive("vote"),
        "regularised_evolution": passive("score_model", "regularised_evolution"),
        "local_search": passive("score_model", "local_search"),
        "random_sampling": passive("score_model", "random_sampling"),
        "nsga2": passive("score_model", "nsga2"),
        "random_finalists": Entry(RandomFinalists(), "none", "random_sampling", "few_shot"),
        "evolution": Entry(EvolutionOnEvidence(), "none", "regularised_evolution", "few_shot"),
        "params": Entry(SingleProxy("params"), "params", "exhaustive", "zero_cost"),
        "vote": Entry(ProxyVote(), "vote", "exhaustive", "zero_cost"),
        "published": Entry(Published(rankers=RankerCache()), "binary_ranker", "regularised_evolution", "zero_cost"),
    },
)
