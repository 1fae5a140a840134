"""Our lock on a recorded table: the engine that ``archlock lock`` runs, on a market of look-ups."""

from dataclasses import dataclass

from archlock.recipes.engine.asked import Evidence
from archlock.recipes.engine.settings import DEFAULTS, EngineSettings
from archlock.recipes.engine.spending import search_lock
from archlock.recipes.evaluate.recorded_market import RecordedMarket
from archlock.search import SourceFloor
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence


@dataclass(frozen=True, slots=True)
class LockMethod:
    """A :class:`~archlock.recipes.evaluate.method.RecordedMethod`."""

    against: Evidence = "trainings"
    settings: EngineSettings = DEFAULTS

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`."""
        market = RecordedMarket.of(evidence, structure=self.against == "structure")
        found = search_lock(
            market,
            SourceFloor("percentile", floor),
            seed=seed,
            label=" ".join((evidence.source, *evidence.others)),
            against=self.against,
            settings=self.settings,
        )
        return found.architecture
