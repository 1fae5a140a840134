"""Lock runs small enough for tests: forty 8 x 8 digits, networks of four channels, one seed, one fraction."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from archlock.progress import Progress, Silent
from archlock.recipes import Budget, LockConfig
from archlock.recipes.lock.run import Run, begin
from archlock.recipes.workspace import PLAN
from archlock.records import read_json, write_json
from archlock.search import SourceFloor
from archlock.tasks import Task
from archlock.testing.small_tasks import small_digits

TINY = LockConfig(
    floor=SourceFloor("accuracy_loss", 0.6),  # forecasts from eight trainings are wild: keep several finalists
    budget=Budget(8, "trainings"),
    simulated=("rotation",),
    held_out=("jigsaw",),
    width=4,
    epochs=2,
    attack_seeds=1,
    attackers=("from_scratch", "linear_probe", "fine_tune", "lp_ft"),
    fractions=(1.0,),
    arms=(),
)


def tiny_config(**changes: Any) -> LockConfig:
    """The tiny configuration with some settings changed."""
    return replace(TINY, **changes)


def tiny_source(seed: int = 0) -> Task:
    """Is it a zero, a one, a two or a three?"""
    return small_digits(train=40, validation=24, test=24, labels=(0, 1, 2, 3), seed=seed)


def tiny_target(labels: tuple[int, ...] = (5, 6, 7), seed: int = 0) -> Task:
    """Other digits: a target that shares no class with the source."""
    return replace(small_digits(train=30, validation=24, test=24, labels=labels, seed=seed), name="other digits")


def repeated(task: Task, examples: int) -> Task:
    """The task with so many training examples: the same again and again."""
    rows = np.arange(examples) % len(task.train)
    return replace(task, train=task.train.take(rows))


class Noted(Progress):
    """Remembers what it is told: stages with their steps to do, and lines."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        self.lines: list[str] = []

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        self.stages.append((stage, total, done))

    def advance(self, steps: int = 1, note: str = "") -> None:
        pass

    def say(self, line: str) -> None:
        self.lines.append(line)


def shorten(run: Path) -> None:
    """Cut the written plan of a run to the least: one epoch of everything, attackers included."""
    plan = read_json(run / PLAN)
    for part in (plan["evidence"]["source_plan"], plan["evidence"]["target_plan"], plan["attack_plan"]):
        part["epochs"] = 1
    plan["final"]["target_plan"]["epochs"] = 1
    write_json(run / PLAN, plan)


def tiny_begin(out: Path, config: LockConfig = TINY, known: Sequence[Task] = (), sealed: int = 1) -> Run:
    """A run of the tiny source with the least plan, ready to decide or to be taken up by ``lock``."""
    for _ in range(2):  # the second takes up the shortened plan
        run = begin(tiny_source(), config, out, known=known, sealed=sealed, store=None, workers=1, progress=Silent())
        shorten(out)
    return run
