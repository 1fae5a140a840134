"""Short trainings as evidence: many architectures, each trained from scratch for a few epochs, all in one program.

One call is one job of bulk work: some (architecture, seed) pairs, which are trained as stacks (see
``archlock.training.many``). A value does not depend on which pairs were trained together, up to the order of sums in
floating point; for that reason there is no early stopping by comparison here. Everything is measured on training and
validation split; no test split is read.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archlock.evidence import Key, Measurement, fidelity_name
from archlock.execution import computed_on
from archlock.models import build
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Task
from archlock.training import Diverged, Plan, Trained, fit_many

SHORT = "short_accuracy"
"""Measure: validation accuracy (for another kind of task its score) after the last epoch."""
TRAIN_LOSS = "train_loss"
"""Measure, with ``@`` and an epoch from 1 on: mean training loss in that epoch."""


@dataclass(frozen=True, slots=True)
class ShortTrainingSettings:
    """How a short training is done: the size of the network and the plan."""

    width: int
    depth: int
    plan: Plan

    def fidelity(self, *, device: str) -> str:
        """Name of these settings in the evidence store, on that kind of device with this version of torch."""
        return fidelity_name("short", fingerprint(self), computed=computed_on(device))


def measure_short_trainings(
    pairs: Sequence[tuple[Architecture, int]],
    task: Task,
    settings: ShortTrainingSettings,
    *,
    stack: int | None = None,
    checkpoint: Path | None = None,
    device: str = "cpu",
) -> tuple[Measurement, ...]:
    """Validation accuracy and the training loss of every epoch for each pair of an architecture and a seed.

    The measurements of a pair follow each other, accuracy first; it bears the seconds of the training, the losses come
    free. In a training that diverged the accuracy and all losses from then on have the status "failed". ``stack`` and
    ``checkpoint`` are as in :func:`~archlock.training.fit_many`.
    """
    seeds = [derive_seed(seed, str(architecture), task.fingerprint) for architecture, seed in pairs]
    networks = [
        build(architecture, task.signature, width=settings.width, depth=settings.depth, seed=seed)
        for (architecture, _), seed in zip(pairs, seeds, strict=True)
    ]
    outcomes = fit_many(networks, task, settings.plan, seeds=seeds, stack=stack, checkpoint=checkpoint, device=device)
    found: list[Measurement] = []
    for (architecture, seed), outcome in zip(pairs, outcomes, strict=True):
        found.extend(_measurements(architecture, task, settings, seed, device, outcome))
    return tuple(found)


def short_training_key(
    architecture: Architecture, task: Task, measure: str, settings: ShortTrainingSettings, *, seed: int, device: str
) -> Key:
    """Where a value of :func:`measure_short_trainings` is in the evidence store."""
    split = "validation" if measure == SHORT else "train"
    return Key(str(architecture), task.fingerprint, measure, split, settings.fidelity(device=device), seed)


def _measurements(
    architecture: Architecture,
    task: Task,
    settings: ShortTrainingSettings,
    seed: int,
    device: str,
    outcome: Trained | Diverged,
) -> list[Measurement]:
    kind = task.traits
    note = outcome.note if isinstance(outcome, Diverged) else ""
    accuracy = math.nan if isinstance(outcome, Diverged) else outcome.validation
    wanted = [(SHORT, accuracy, kind.unit, outcome.seconds)]
    for epoch in range(settings.plan.epochs):
        loss = outcome.losses[epoch] if epoch < len(outcome.losses) else math.nan
        wanted.append((f"{TRAIN_LOSS}@{epoch + 1}", loss, kind.loss_unit, 0.0))
    return [
        Measurement(
            short_training_key(architecture, task, measure, settings, seed=seed, device=device),
            value,
            unit,
            seconds,
            "valid" if math.isfinite(value) else "failed",
            "" if math.isfinite(value) else note,
        )
        for measure, value, unit, seconds in wanted
    ]
