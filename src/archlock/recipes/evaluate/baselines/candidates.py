"""What the ordinary methods choose among: connected architectures of a table, one of each isomorphism class.

Percentiles count over the whole table, so a candidate stands for its class, and disconnected architectures, which are
constant predictors, stand below all others.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import ConfigurationError, SearchError
from archlock.recipes.evaluate.recorded_market import classes_of
from archlock.search import STRATEGIES, Judgement, Objective, SourceFloor, lock_judgement, search
from archlock.spaces import Architecture, Space
from archlock.tables import RecordedEvidence

FEWEST: Final = 10
"""Trainings without which nothing can be said of a percentile."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Architectures, and how much of the table each stands for."""

    space: Space
    architectures: tuple[Architecture, ...]
    counts: Int[np.ndarray, " architectures"]
    """Recorded architectures of the class."""
    disconnected: int
    """Recorded architectures that are not connected."""

    def only(self, rows: Int[np.ndarray, " rows"]) -> "Candidates":
        """These rows, and nothing else of the table but the same share of what is disconnected."""
        counts = self.counts[rows]
        apart = round(self.disconnected * counts.sum() / self.counts.sum())
        return Candidates(self.space, tuple(self.architectures[row] for row in rows), counts, apart)

    def everybody(self, scores: Float[np.ndarray, " architectures"]) -> Float[np.ndarray, " everybody"]:
        """Scores of the whole table: of every candidate as often as it counts, then of what is below all."""
        return np.concatenate([np.repeat(scores, self.counts), np.full(self.disconnected, scores.min() - 1)])

    def percentiles(self, scores: Float[np.ndarray, " architectures"]) -> Float[np.ndarray, " architectures"]:
        """Share of the whole table that each candidate beats by these scores, in [0, 1]."""
        return self._firsts(SourceFloor("percentile", 0.0).measure(self.everybody(scores)))

    def judge(
        self,
        source: Float[np.ndarray, " architectures"],
        others: Float[np.ndarray, "others architectures"],
        floor: float,
    ) -> Judgement:
        """The lock objective by these scores, with the floor counted over the whole table."""
        own = self.everybody(source)
        against = np.array([self.everybody(scores) for scores in others]).reshape(len(others), len(own))
        judgement = lock_judgement(own, against, SourceFloor("percentile", floor))
        return Judgement(self._firsts(judgement.scores), self._firsts(judgement.shortfall))

    def share_below(
        self,
        asked: Float[np.ndarray, " asked"],
        rows: Int[np.ndarray, " sampled"],
        values: Float[np.ndarray, " sampled"],
    ) -> Float[np.ndarray, " asked"]:
        """Share of the whole table below each asked value, in [0, 1], estimated from a sample: its rows and values."""
        weights = self.counts[rows] / self.counts[rows].sum()
        below = (values < asked[:, None]) + (values == asked[:, None]) / 2
        return self.of_everybody(below @ weights)

    def of_everybody(self, share: Float[np.ndarray, " asked"]) -> Float[np.ndarray, " asked"]:
        """A share of what is connected as a share of the whole table."""
        connected = int(self.counts.sum())
        return np.asarray((self.disconnected + share * connected) / (self.disconnected + connected))

    def objective(self, judgement: Judgement) -> Objective:
        """Judgement of any architecture of the space: that of its class; of no candidate: one that nobody wants."""
        place = {self.space.canonicalise(one): row for row, one in enumerate(self.architectures)}
        scores = np.append(judgement.scores, judgement.scores.min())
        shortfall = np.append(judgement.shortfall, judgement.shortfall.max() + 1)

        def objective(asked: "tuple[Architecture, ...] | list[Architecture]") -> Judgement:
            rows = np.array([place.get(self.space.canonicalise(one), -1) for one in asked], dtype=int)
            return Judgement(scores[rows], shortfall[rows])

        return objective  # type: ignore[return-value]

    def _firsts(self, everybody: np.ndarray) -> np.ndarray:
        return np.asarray(everybody[np.cumsum(self.counts) - self.counts])


def candidates_of(evidence: RecordedEvidence) -> Candidates:
    """The connected architectures of a table, of each class the one with the smallest code."""
    classes = classes_of(evidence.space, evidence.architectures)
    total = len(evidence.architectures)
    counts = np.rint(classes.shares * total).astype(int)
    return Candidates(evidence.space, classes.architectures, counts, total - int(counts.sum()))


def sample_rows(candidates: Candidates, count: int, rng: np.random.Generator) -> Int[np.ndarray, " sampled"]:
    """Rows of that many different candidates, uniformly at random; fewer than ``FEWEST`` raise SearchError."""
    count = min(count, len(candidates.architectures))
    if count < FEWEST:
        raise SearchError(
            f"a method that learns from random trainings needs at least {FEWEST} per task; the allowance and the table "
            f"provide {count}"
        )
    return np.asarray(rng.choice(len(candidates.architectures), count, replace=False))


def shortlist(
    candidates: Candidates, judgement: Judgement, strategy: str, *, evaluations: int, count: int, seed: int
) -> Int[np.ndarray, " finalists"]:
    """Rows of the best candidates that a strategy finds, best first; ``exhaustive`` judges all of them.

    Where it finds none that keeps the floor: those that are nearest to it.
    """
    if count < 1:
        raise ConfigurationError(f"a shortlist has at least one architecture; got {count}")
    space = candidates.space
    budget = len(space) if strategy == "exhaustive" else evaluations
    try:
        trace = search(
            STRATEGIES[strategy](space, seed=seed), candidates.objective(judgement), evaluations=budget, keep=count
        )
    except SearchError:
        keys = judgement.keys()
        return np.array(sorted(range(len(keys)), key=keys.__getitem__, reverse=True)[:count])
    place = {space.canonicalise(one): row for row, one in enumerate(candidates.architectures)}
    return np.array([place[space.canonicalise(found.architecture)] for found in trace.best])
