"""From a budget in minutes to how hard the attackers try, by timing the model once on this machine.

Every attack shares the minutes evenly. Where they do not pay for what was asked, the attackers first train on fewer
images, then fewer epochs (never below three), then only with the largest share of the data, then with one seed. Where
they pay for more, they train longer.
"""

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError
from archlock.execution import one_thread
from archlock.models import with_new_head
from archlock.recipes.attackers import Suite, attack_plan
from archlock.recipes.budget import Budget
from archlock.tasks import Task, subsample
from archlock.training import Plan, evaluate, fit

SHARE = 0.75
"""Of the budget that is planned; the rest is for fitting probes, unequal jobs and the report."""
STARTING_SECONDS = 8.0
"""Kept back where there are several workers: they are started twice, for the sweeps and for the other seeds."""
FEWEST_EXAMPLES = 300
WANTED_EPOCHS, LEAST_EPOCHS, MOST_EPOCHS = 6, 3, 40
_SAMPLES = (16, 64)
_ENOUGH_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Pace:
    """What one image costs a model on one worker, in seconds."""

    training: float
    answering: float


@dataclass(frozen=True, slots=True)
class AttackEffort:
    """How hard the attackers try. ``plan.json`` of an attack with a budget."""

    epochs: int
    examples: int
    """Most training examples of a target at fraction 1."""
    seeds: int
    fractions: tuple[float, ...]
    seconds: float
    """What that should take on these workers."""

    def __str__(self) -> str:
        shares = ", ".join(f"{100 * fraction:g} %" for fraction in self.fractions)
        return (
            f"{self.epochs} epochs on at most {self.examples:,} images of a target; {self.seeds} "
            f"seed{'s' if self.seeds > 1 else ''}; {shares} of the data; about {self.seconds / 60:.1f} minutes"
        )


def measured_pace(model: nn.Module, task: Task, *, device: str) -> Pace:
    """Time a few steps of training and a few answers of the model with a head for ``task``."""
    ready = with_new_head(model, task.signature, seed=0)
    pace = Pace(math.inf, math.inf)
    with one_thread():  # as in a worker
        for count in _SAMPLES:  # the smaller one warms up, and is enough for slow models
            few = task.validation.take(range(min(count, len(task.validation))))
            sample = replace(subsample(task, max(count, task.outputs), seed=0), validation=few)
            seconds = [_seconds(ready, sample, epochs, device) for epochs in (1, 1, 3)]
            training = max(seconds[2] - min(seconds[:2]), 1e-6) / (2 * len(sample.train))
            began = time.perf_counter()
            evaluate(ready.to(device), few, device=device)
            pace = Pace(training, (time.perf_counter() - began) / len(few))
            if seconds[2] > _ENOUGH_SECONDS:
                break
    return pace


def plan_effort(
    budget: Budget,
    asked: Suite,
    targets: Mapping[str, Task],
    paces: Sequence[Pace],
    *,
    apart: Pace,
    epochs: int | None,
    workers: int,
) -> AttackEffort:
    """The most that the budget pays. ``epochs`` fixes them; ``asked`` has the seeds and fractions to aim at.

    ``paces`` are of the models, ``apart`` of the network of those who leave them alone: it is trained once for all.
    A budget that does not pay for attacks that mean anything raises ConfigurationError and says what would.
    """
    largest = max(len(task.train) for task in targets.values())
    whole = (max(asked.fractions),)
    thriftier = (asked, replace(asked, fractions=whole), replace(asked, fractions=whole, seeds=1))
    wanted, least = (epochs, epochs) if epochs else (WANTED_EPOCHS, LEAST_EPOCHS)
    starting = STARTING_SECONDS if workers > 1 else 0.0
    seconds = (SHARE * 60 * budget.amount - starting) * workers

    def paid(suite: Suite, examples: int) -> int:
        """Epochs that the seconds pay for."""
        once = _seconds_of(suite, targets, paces, apart, examples, epochs=0)
        an_epoch = _seconds_of(suite, targets, paces, apart, examples, epochs=1) - once
        if once > seconds:
            return 0
        return min(MOST_EPOCHS, int((seconds - once) / an_epoch)) if an_epoch > 0 else attack_plan(examples).epochs

    amounts = _amounts(largest)
    ways = [*((examples, wanted) for examples in amounts), (amounts[-1], least)]
    for suite, (examples, enough) in itertools.product(thriftier, ways):
        possible = paid(suite, examples)
        if possible >= enough:
            trained = epochs or possible
            cost = _seconds_of(suite, targets, paces, apart, examples, epochs=trained) / workers
            return AttackEffort(trained, examples, suite.seeds, suite.fractions, cost)
    fewest = amounts[-1]
    all_of_it = _seconds_of(thriftier[-1], targets, paces, apart, fewest, epochs=wanted)
    needed = 1.2 * (starting + all_of_it / workers) / (SHARE * 60)
    raise ConfigurationError(
        f"a budget of {budget} is too small for {len(asked.attackers)} attackers on {len(targets)} targets with "
        f"{workers} workers: not even {fewest} images, one seed and {least} epochs fit; give about "
        f"{max(1, math.ceil(needed))}min, fewer attackers, or smaller images with --size"
    )


def _seconds_of(
    suite: Suite, targets: Mapping[str, Task], paces: Sequence[Pace], apart: Pace, examples: int, *, epochs: int
) -> float:
    """Seconds of one worker for all attacks: training, and every answer for probes, validation and test."""
    taking = tuple(name for name in suite.attackers if ATTACKS[name].uses_architecture)
    leaving = tuple(name for name in suite.attackers if not ATTACKS[name].uses_architecture)
    seconds = 0.0
    for attackers, counted in ((taking, paces), (leaving, (apart,))):
        part = replace(suite, attackers=attackers)
        trained, answered = _images_of(part, targets, examples, epochs=epochs)
        seconds += sum(pace.training * trained + pace.answering * answered for pace in counted)
    return seconds


def _images_of(suite: Suite, targets: Mapping[str, Task], examples: int, *, epochs: int) -> tuple[float, float]:
    """Images that the attackers of one model train on and have answered, each as often as that happens."""
    trials = sum(len(ATTACKS[name].settings) + suite.seeds - 1 for name in suite.attackers)
    measured = len(suite.attackers) * suite.seeds * len(suite.fractions)
    trained = answered = 0.0
    for task in targets.values():
        count = min(examples, len(task.train))
        trained += suite.full_trainings * epochs * count
        looked_at = sum(suite.fractions) * count + len(suite.fractions) * len(task.validation)
        answered += trials * looked_at + measured * len(task.test)
    return trained, answered


def _amounts(largest: int) -> tuple[int, ...]:
    """Numbers of examples to try, from all of them down to the fewest, each two thirds of the one before."""
    fewest = min(FEWEST_EXAMPLES, largest)
    found = [largest]
    while found[-1] > fewest:
        found.append(max(fewest, found[-1] * 2 // 3))
    return tuple(found)


def _seconds(model: nn.Module, task: Task, epochs: int, device: str) -> float:
    began = time.perf_counter()
    fit(model, task, Plan(epochs, batch_size=16, learning_rate=1e-3), seed=0, device=device)
    return time.perf_counter() - began
