"""Baselines that learn nothing from structure: full trainings are bought, and the best of what was bought is the lock.

Both begin with a random sample, by which they know where the source floor lies: the share of the sample below a value.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import SearchError
from archlock.recipes.evaluate.baselines.candidates import FEWEST, Candidates, candidates_of, sample_rows
from archlock.recipes.evaluate.baselines.verifying import choose
from archlock.search import Judgement, RegularisedEvolution, SourceFloor, lock_judgement, search
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import Architecture
from archlock.tables import RecordedEvidence


@dataclass(frozen=True, slots=True)
class RandomFinalists:
    """Draw architectures at random, train all of them in full, take the best lock."""

    margin: float = 0.0
    """How far above the floor the estimated source percentile must be, as a share of the table."""

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`."""
        bought = _Bought.of_random(evidence, share=1.0, rng=rng_for(seed, "random finalists"))
        return bought.decide(floor + self.margin)


@dataclass(frozen=True, slots=True)
class EvolutionOnEvidence:
    """Regularised evolution whose every evaluation is a full training on the source and on every other task.

    The objective is made of what was bought: shares of the random sample below a value.
    """

    sample: float = 1 / 3
    """Share of the trainings that is sampled at random first."""
    population: int = 10
    tournament: int = 5
    margin: float = 0.0

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`."""
        bought = _Bought.of_random(evidence, share=self.sample, rng=rng_for(seed, "evolution", "sample"))
        left = bought.left()
        strategy = RegularisedEvolution(
            evidence.space,
            population=self.population,
            tournament=self.tournament,
            seed=derive_seed(seed, "evolution", "search"),
        )
        if left:
            with suppress(SearchError):  # nothing that was judged keeps the floor: the decision is from all bought
                search(strategy, lambda asked: bought.judge(asked, floor), evaluations=left)
        return bought.decide(floor + self.margin)


class _Bought:
    """Full trainings so far; the first ones, a random sample, say where a value stands."""

    def __init__(self, evidence: RecordedEvidence, candidates: Candidates, rows: Int[np.ndarray, " sampled"]) -> None:
        self._evidence, self._candidates = evidence, candidates
        self._tasks = (evidence.source, *evidence.others)
        self._place = {evidence.space.canonicalise(a): row for row, a in enumerate(candidates.architectures)}
        self._values: dict[int, Float[np.ndarray, " tasks"]] = {}
        self._buy(rows.tolist())
        self._sampled = np.array([row for row in rows if np.isfinite(self._values[row]).all()], dtype=int)
        if len(self._sampled) == 0:
            raise SearchError("none of the sampled architectures has a recorded training on every task that counts")
        self._sample = np.stack([self._values[row] for row in self._sampled], axis=1)

    @classmethod
    def of_random(cls, evidence: RecordedEvidence, *, share: float, rng: np.random.Generator) -> "_Bought":
        """A random sample that uses up this share of the full trainings."""
        candidates = candidates_of(evidence)
        allowed = min(evidence.left(task) for task in (evidence.source, *evidence.others))
        count = max(round(share * allowed), min(FEWEST, allowed))
        return cls(evidence, candidates, sample_rows(candidates, count, rng))

    def left(self) -> int:
        """How many more architectures may be trained on every task."""
        return min(self._evidence.left(task) for task in self._tasks)

    def judge(self, asked: Sequence[Architecture], floor: float) -> Judgement:
        """Train what was asked for; what is no candidate of the table, or lacks a value, is as bad as can be."""
        rows = [self._place.get(self._evidence.space.canonicalise(one), -1) for one in asked]
        self._buy([row for row in dict.fromkeys(rows) if row >= 0 and row not in self._values])
        known = np.array([row >= 0 and bool(np.isfinite(self._values[row]).all()) for row in rows], dtype=bool)
        scores, shortfall = np.full(len(rows), -1.0), np.full(len(rows), 1.0)
        if known.any():
            shares = self._shares([row for row, here in zip(rows, known, strict=True) if here])
            judged = lock_judgement(shares[0], shares[1:], SourceFloor("percentile", 0.0))
            scores[known] = judged.scores
            shortfall[known] = np.maximum(floor - shares[0], 0)
        return Judgement(scores, shortfall)

    def decide(self, threshold: float) -> Architecture:
        """The best lock of everything that was bought."""
        rows = [row for row, values in self._values.items() if np.isfinite(values).all()]
        shares = self._shares(rows)
        against = shares[1:].mean(axis=0) if len(shares) > 1 else -np.array([self._values[row][0] for row in rows])
        return choose([self._candidates.architectures[row] for row in rows], shares[0], against, threshold)

    def _shares(self, rows: Sequence[int]) -> Float[np.ndarray, "tasks rows"]:
        values = np.stack([self._values[row] for row in rows], axis=1)
        return np.stack(
            [
                self._candidates.share_below(own, self._sampled, sample)
                for own, sample in zip(values, self._sample, strict=True)
            ]
        )

    def _buy(self, rows: Sequence[int]) -> None:
        architectures = [self._candidates.architectures[row] for row in rows]
        values = np.stack([self._evidence.training(task, architectures) for task in self._tasks], axis=1)
        self._values.update(zip(rows, values, strict=True))
