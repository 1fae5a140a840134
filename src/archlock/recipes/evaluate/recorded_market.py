"""The market of a recorded table: every training is a counted look-up of :class:`~archlock.tables.RecordedEvidence`."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from archlock.recipes.engine.market import Ask, Bought, Candidates, Kind, described
from archlock.recipes.evaluate.capacity import capacity_of
from archlock.spaces import Architecture, Space
from archlock.tables import RecordedEvidence

FEWEST_SHORT = 10
"""Short trainings that are worth looking at."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedMarket:
    """A :class:`~archlock.recipes.engine.market.Market`: one candidate for each isomorphism class of a table."""

    evidence: RecordedEvidence
    candidates: Candidates
    others: tuple[str, ...]
    known: bool

    @classmethod
    def of(cls, evidence: RecordedEvidence, *, structure: bool = False) -> "RecordedMarket":
        """All that the evidence sells; with ``structure`` nothing but trainings on the source."""
        candidates = classes_of(evidence.space, evidence.architectures)
        if structure:
            candidates = replace(candidates, capacity=capacity_of(evidence, candidates.architectures, evidence.source))
        return cls(evidence, candidates, () if structure else evidence.others, evidence.target is not None)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The source and the others."""
        return (self.evidence.source, *self.others)

    @property
    def repeatable(self) -> bool:
        """Whether every task sells a training again."""
        return all(self.evidence.repeatable(task) for task in self.tasks)

    def left(self, kind: Kind) -> int:
        """Trainings that every task still sells."""
        if kind == "full":
            return min(self.evidence.left(task) for task in self.tasks)
        if not all(self.evidence.has_short(task) for task in self.tasks):
            return 0
        left = min(self.evidence.left(task, short=True) for task in self.tasks)
        return left if left >= FEWEST_SHORT else 0

    def buy(self, ask: Ask) -> Bought:
        """Look up."""
        values = np.empty((len(self.tasks), len(ask.rows)))
        for number in np.unique(ask.numbers):
            places = np.flatnonzero(ask.numbers == number)
            architectures = [self.candidates.architectures[row] for row in ask.rows[places]]
            for place, task in enumerate(self.tasks):
                values[place, places] = self.evidence.training(
                    task, architectures, short=ask.kind == "short", number=int(number)
                )
        noise = [np.nan if ask.kind == "short" else self.evidence.noise(task) for task in self.tasks]
        return Bought(values, np.array(noise))


@lru_cache(maxsize=4)
def classes_of(space: Space, architectures: tuple[Architecture, ...]) -> Candidates:
    """The connected architectures of a table, of each isomorphism class the one with the smallest code; remembered,
    since every run on a table asks for the same."""
    first: dict[str, Architecture] = {}
    counts: dict[str, int] = {}
    for one in architectures:
        if space.is_connected(one):
            key = space.canonicalise(one).code
            first.setdefault(key, one)
            counts[key] = counts.get(key, 0) + 1
    return described(space, tuple(first.values()), np.array(list(counts.values())) / len(architectures))
