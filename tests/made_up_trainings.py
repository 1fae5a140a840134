"""Trainings that nobody makes: what stands in for ``gather``, with values from a formula and a memory."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from archlock.evidence import Key, Measurement
from archlock.recipes.lock.gathering import EvidenceTasks, Resources
from archlock.spaces import Architecture

Value = Callable[[Architecture, str, str, int], float]
"""Of an architecture, the name of a task (``source``: the source), a measure and a seed; NaN: the training fails."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of what stands in for ``gather``."""

    stage: str
    jobs: tuple[tuple[Architecture, int], ...]
    """Architectures, each with the seed of its training."""
    targets: tuple[str, ...]
    new: int
    """Trainings of which something was not known."""
    tasks: EvidenceTasks


@dataclass(slots=True, eq=False)
class MadeUpTrainings:
    """Called like ``gather``. What it was asked for is bought, once, and listed."""

    value: Value
    known: dict[Key, Measurement] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    killed_after: int | None = None
    """Number of the call that is never made: then the process is killed."""

    def __call__(
        self,
        jobs: Sequence[tuple[Architecture, int]],
        tasks: EvidenceTasks,
        *,
        resources: Resources,
        stage: str,
    ) -> dict[Key, Measurement]:
        if self.killed_after is not None and len(self.calls) >= self.killed_after:
            raise KeyboardInterrupt
        names = {tasks.source.fingerprint: "source", **{task.fingerprint: n for n, task in tasks.targets.items()}}
        new = 0
        for architecture, seed in jobs:
            missing = False
            for key, (task, measure) in zip(tasks.keys(architecture, seed), tasks.wanted(), strict=True):
                if key not in self.known:
                    missing = True
                    value = self.value(architecture, names[task.fingerprint], measure, seed)
                    failed: tuple[Any, ...] = ("failed", "diverged") if math.isnan(value) else ()
                    self.known[key] = Measurement(key, value, "accuracy", 1.0, *failed)
            new += missing
        self.calls.append(Call(stage, tuple(jobs), tuple(tasks.targets), new, tasks))
        return self.known

    def trained(self, stage: str) -> list[tuple[Architecture, int]]:
        """Architecture and seed of every training of a stage, in the order in which they were asked for."""
        return [job for call in self.calls if call.stage == stage for job in call.jobs]


def luck(*parts: object) -> float:
    """A number in [-1, 1) that depends on nothing but what is given."""
    return crc32(repr(parts).encode()) / 2**31 - 1
