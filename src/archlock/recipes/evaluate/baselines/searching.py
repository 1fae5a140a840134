"""A strategy of the catalog that searches trainings themselves: whatever it asks for is bought, and it is told the
values. No model of the table stands between.

Trainings are short ones where all tasks have them, else full ones. Without targets the score is what is bought of the
source. Against targets a random sample is bought first, by which it is known where the floor lies: the share of the
sample below a value; what the strategy asks for and the sample had counts once more. What no candidate of the table
is (it oversteps a limit on recorded costs, say) is never asked for.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from archlock.errors import SearchError
from archlock.recipes.evaluate.baselines.candidates import FEWEST, candidates_of, sample_rows
from archlock.recipes.evaluate.baselines.verifying import choose, relative_values
from archlock.search import (
    KEEPING,
    STRATEGIES,
    Judgement,
    Limited,
    Overshoot,
    SourceFloor,
    Strategy,
    lock_judgement,
    search,
)
from archlock.seeding import derive_seed, rng_for
from archlock.spaces import Architecture, Space
from archlock.tables import RecordedEvidence


@dataclass(frozen=True, slots=True)
class SearchOnEvidence:
    """A :class:`~archlock.recipes.evaluate.method.RecordedMethod`."""

    strategy: str
    sample: float = 1 / 3
    """Share of the trainings that is sampled at random first, where there is something to lock against."""

    def __call__(self, evidence: RecordedEvidence, *, floor: float, seed: int) -> Architecture:
        """See :class:`~archlock.recipes.evaluate.method.RecordedMethod`; SearchError if nothing can be bought.

        Where trainings are short ones and there are finalists, the best are trained in full, and that chooses among
        those that keep the floor by their short training.
        """
        bought = _Bought(evidence)
        if evidence.others:
            count = max(round(self.sample * bought.left()), min(FEWEST, bought.left()))
            bought.draw(sample_rows(bought.candidates, count, rng_for(seed, "search on evidence", "sample")))
        strategy = strategy_within(
            self.strategy, evidence.space, bought.overshoot, seed=derive_seed(seed, "search on evidence")
        )
        if left := bought.left():
            with suppress(SearchError):  # nothing that was judged keeps the floor: the decision is from all bought
                search(strategy, lambda asked: bought.judge(asked, floor), evaluations=left)
        return bought.decide(floor)


def strategy_within(name: str, space: Space, limits: Overshoot, *, seed: int) -> Strategy:
    """A strategy of the catalog that asks for nothing that oversteps the limits."""
    if name in KEEPING:
        return KEEPING[name](space, limits=limits, seed=seed)
    return Limited(STRATEGIES[name](space, seed=seed), limits)


class _Bought:
    """Trainings so far, by row of the candidates, on every task that counts."""

    def __init__(self, evidence: RecordedEvidence) -> None:
        self.candidates = candidates_of(evidence)
        self._evidence = evidence
        self._tasks = (evidence.source, *evidence.others)
        self._short = all(evidence.has_short(task) for task in self._tasks)
        self._place = {evidence.space.canonicalise(a): row for row, a in enumerate(self.candidates.architectures)}
        self._values: dict[int, Float[np.ndarray, " tasks"]] = {}
        self._sampled = np.zeros(0, dtype=int)

    def left(self) -> int:
        """How many more architectures may be trained on every task."""
        return min(self._evidence.left(task, short=self._short) for task in self._tasks)

    def overshoot(self, asked: Sequence[Architecture]) -> Float[np.ndarray, " asked"]:
        """1 of what is no candidate, 0 of what is one."""
        return np.array([float(self._row(one) < 0) for one in asked])

    def draw(self, rows: Int[np.ndarray, " sampled"]) -> None:
        """Buy a random sample."""
        self._buy(rows.tolist())
        self._sampled = np.array([row for row in rows if np.isfinite(self._values[row]).all()], dtype=int)
        if len(self._sampled) == 0:
            raise SearchError("none of the sampled architectures has a recorded training on every task that counts")

    def judge(self, asked: Sequence[Architecture], floor: float) -> Judgement:
        """Train what was asked for; what lacks a value is as bad as can be."""
        rows = [self._row(one) for one in asked]
        self._buy([row for row in dict.fromkeys(rows) if row not in self._values])
        known = np.array([bool(np.isfinite(self._values[row]).all()) for row in rows], dtype=bool)
        scores, shortfall = np.full(len(rows), -1.0), np.full(len(rows), 1.0)
        if known.any():
            judged = self._judged([row for row, here in zip(rows, known, strict=True) if here], floor)
            scores[known], shortfall[known] = judged.scores, judged.shortfall
        return Judgement(scores, shortfall)

    def decide(self, floor: float) -> Architecture:
        """The best of everything that was bought; of finalists, the best by their full training."""
        rows = [row for row, values in self._values.items() if np.isfinite(values).all()]
        if not rows:
            raise SearchError("there is nothing to decide from: no training could be bought; allow some")
        judged = self._judged(rows, floor)
        keys = judged.keys()
        best = sorted(range(len(rows)), key=lambda place: (keys[place], -rows[place]), reverse=True)
        finalists = min(self._evidence.left(task) for task in self._tasks) if self._short else 0
        if not finalists:
            return self.candidates.architectures[rows[best[0]]]
        listed = [place for place in best[:finalists] if judged.shortfall[place] == 0] or best[:1]
        return self._verified([rows[place] for place in listed])

    def _verified(self, rows: Sequence[int]) -> Architecture:
        architectures = [self.candidates.architectures[row] for row in rows]
        full = np.stack([self._evidence.training(task, architectures) for task in self._tasks])
        known = np.isfinite(full).all(axis=0)
        if not known.any():
            return architectures[0]
        chosen, full = [one for one, here in zip(architectures, known, strict=True) if here], full[:, known]
        nothing = np.zeros(0)
        against = relative_values(list(full[1:]), [nothing] * (len(full) - 1)) if len(full) > 1 else -full[0]
        return choose(chosen, np.ones(len(chosen)), against, 0.0)

    def _judged(self, rows: Sequence[int], floor: float) -> Judgement:
        values = np.stack([self._values[row] for row in rows], axis=1)
        if len(values) == 1:
            return Judgement(values[0], np.zeros(len(rows)))
        sample = np.stack([self._values[row] for row in self._sampled], axis=1)
        shares = np.stack(
            [
                self.candidates.share_below(own, self._sampled, others)
                for own, others in zip(values, sample, strict=True)
            ]
        )
        return Judgement(
            lock_judgement(shares[0], shares[1:], SourceFloor("percentile", 0.0)).scores,
            np.maximum(floor - shares[0], 0),
        )

    def _row(self, architecture: Architecture) -> int:
        return self._place.get(self._evidence.space.canonicalise(architecture), -1)

    def _buy(self, rows: Sequence[int]) -> None:
        architectures = [self.candidates.architectures[row] for row in rows]
        values = np.stack(
            [self._evidence.training(task, architectures, short=self._short) for task in self._tasks], axis=1
        )
        self._values.update(zip(rows, values, strict=True))
