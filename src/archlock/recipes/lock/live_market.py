"""The market of live trainings: an architecture is trained on the source and adapted to the known targets when it is
bought.

A short training is one on small images, few of them or each once; a full one is of the size that is released,
checkpointed, its weights kept. The value on a target is what an attacker gains from the weights: the better of linear
probe and short fine-tuning, or what attackers with few examples get in a rehearsal. What the store knows is not bought
again.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.evidence import Key, Measurement
from archlock.recipes.engine.market import Ask, Bought, Candidates, Kind
from archlock.recipes.lock.finalists import Finalist
from archlock.recipes.lock.gathering import EvidenceTasks, gather
from archlock.recipes.lock.run import Run, evidence_tasks, rehearsals_of
from archlock.spaces import Architecture
from archlock.tasks import Task

ENOUGH_REPEATS: Final = 3
"""Second and further trainings of architectures, in all, from which the noise of one is estimated; before that it is
the noise that so few validation images bring."""


@dataclass(slots=True, eq=False)
class LiveMarket:
    """A :class:`~archlock.recipes.engine.market.Market` that trains. It remembers what its full trainings brought."""

    run: Run
    candidates: Candidates
    targets: bool
    """Whether it sells what attackers gain on the known targets; without it is scheme S."""
    short: int
    full: int
    repeatable: bool = True
    brought: dict[tuple[int, int], Float[np.ndarray, " tasks"]] = field(default_factory=dict)
    """Values of full trainings by row and number of the training."""
    keys: set[Key] = field(default_factory=set)
    """Where in the store everything is that was bought."""
    _bought: dict[Kind, int] = field(default_factory=lambda: {"short": 0, "full": 0})

    @property
    def others(self) -> tuple[str, ...]:
        """Names of the known targets."""
        return tuple(self.run.targets) if self.targets else ()

    @property
    def known(self) -> bool:
        """Whether they are the owner's, not simulated ones."""
        return self.run.config.scheme == "tk"

    def left(self, kind: Kind) -> int:
        """What the plan still pays for."""
        return max(0, (self.short if kind == "short" else self.full) - self._bought[kind])

    def buy(self, ask: Ask) -> Bought:
        """Train, or find in the store."""
        tasks = self._tasks(ask.kind)
        jobs = [
            (self.candidates.architectures[row], self.run.config.seed + number)
            for row, number in zip(ask.rows.tolist(), ask.numbers.tolist(), strict=True)
        ]
        known = gather(jobs, tasks, stage=self._stage(ask.kind), resources=self.run.resources)
        self.keys.update(key for job in jobs for key in tasks.keys(*job))
        values = np.stack([values_of(architecture, tasks, known, seed) for architecture, seed in jobs], axis=1)
        self._bought[ask.kind] += len(ask.rows)
        if ask.kind == "full":
            pairs = zip(ask.rows.tolist(), ask.numbers.tolist(), strict=True)
            self.brought.update(dict(zip(pairs, values.T, strict=True)))
        return Bought(values, self._noise() if ask.kind == "full" else np.full(len(values), np.nan))

    def finalists(self) -> tuple[Finalist, ...]:
        """What was trained at full size with success, in the order in which it was bought."""
        found = []
        for row, several in self._by_row().items():
            means = np.mean(several, axis=0)
            gains = dict(zip(self.others, means[1:].tolist(), strict=True))
            scores = tuple(float(values[0]) for values in several)
            found.append(Finalist(self.candidates.architectures[row], scores, gains))
        return tuple(found)

    def _tasks(self, kind: Kind) -> EvidenceTasks:
        run, targets = self.run, self.run.targets if self.targets else {}
        if kind == "short":
            return evidence_tasks(run.source, targets, run.allocation, run.config)
        return full_tasks(run, targets)

    def _stage(self, kind: Kind) -> str:
        arm = "" if self.targets or self.run.config.scheme == "s" else " (source only)"
        return {"short": "short trainings", "full": "finalists, trained at full size"}[kind] + arm

    def _by_row(self) -> dict[int, list[Float[np.ndarray, " tasks"]]]:
        found = defaultdict(list)
        for (row, _), values in self.brought.items():
            if np.isfinite(values).all():
                found[row].append(values)
        return found

    def _noise(self) -> Float[np.ndarray, " tasks"]:
        """Pooled deviation between trainings of one architecture; before there are enough, that of few images."""
        rows = self._by_row().values()
        degrees = sum(len(several) - 1 for several in rows)
        everybody = [self.run.source, *(self.run.targets[name] for name in self.others)]
        means = np.mean([values for several in rows for values in several] or [np.zeros(len(everybody))], axis=0)
        least = np.array([_of_few_images(task, mean) for task, mean in zip(everybody, means.tolist(), strict=True)])
        if degrees < ENOUGH_REPEATS:
            return least
        squares = sum(((np.array(several) - np.mean(several, axis=0)) ** 2).sum(axis=0) for several in rows)
        return np.asarray(np.maximum(np.sqrt(squares / degrees), np.nan_to_num(least)))


def full_tasks(run: Run, targets: Mapping[str, Task]) -> EvidenceTasks:
    """The evidence of full trainings, of the size that is released, on the source and on these targets."""
    folder, rehearsals = run.trained, rehearsals_of(run.config, targets, run.allocation)
    return EvidenceTasks(run.source, targets, run.allocation.final, folder, rehearsals, device=run.config.device)


def values_of(
    architecture: Architecture, tasks: EvidenceTasks, known: dict[Key, Measurement], seed: int
) -> Float[np.ndarray, " tasks"]:
    """Source accuracy, and the best of what is measured of every target; NaN where all of that failed."""
    keys = tasks.keys(architecture, seed)
    named = dict(zip(((task.fingerprint, measure) for task, measure in tasks.wanted()), keys, strict=True))
    gains = []
    for task in tasks.targets.values():
        tried = [known[named[task.fingerprint, measure]] for measure in tasks.measures]
        gains.append(max((one.value for one in tried if one.status == "valid"), default=math.nan))
    return np.array([known[keys[0]].value, *gains])


def _of_few_images(task: Task, mean: float) -> float:
    """Standard deviation of an accuracy over the validation split about the truth; NaN for a task without accuracy."""
    if not task.traits.has_classes:
        return math.nan
    chance = 1 / max(2, len(task.classes))
    held = min(max(mean, chance), 1 - 1 / (2 + len(task.validation)))
    return math.sqrt(held * (1 - held) / len(task.validation))
