"""Adaptation evidence: train an architecture shortly on the source, then see what an attacker would gain from it.

From-scratch accuracy on a target hardly predicts what fine-tuning gains (see docs/method.md), so a lock is judged by
short adaptations of source-trained weights: a linear probe, nearly free, and a short fine-tuning. Everything is
measured on the validation splits of tasks that the caller chose; no test split is read.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from archlock.errors import MeasurementError
from archlock.evidence import Key, Measurement
from archlock.models import build, save_weights, with_new_head
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Task
from archlock.training import Plan, Trained, fit, linear_probe

SOURCE = "source_accuracy"
PROBE = "probe_accuracy"
FINE_TUNE = "fine_tune_accuracy"


@dataclass(frozen=True, slots=True)
class AdaptationSettings:
    """How adaptation evidence is bought: the size of the network and the two trainings."""

    width: int
    depth: int
    source_plan: Plan
    target_plan: Plan

    @property
    def fidelity(self) -> str:
        """Name of these settings in the evidence store."""
        return f"adaptation-{fingerprint(self)}"


def measure_adaptation(
    architecture: Architecture,
    source: Task,
    targets: Mapping[str, Task],
    settings: AdaptationSettings,
    *,
    folder: Path | None = None,
    seed: int,
    device: str = "cpu",
) -> tuple[Measurement, ...]:
    """Source accuracy, and probe and fine-tuned accuracy on every target, all on validation splits.

    Tasks are keyed by fingerprint in the measurements; a diverged training is a measurement with status "failed", and
    so is everything that would have started from it. With a ``folder`` the training on the source is checkpointed there
    and the trained weights are kept (:func:`weights_file`).
    """
    wanted = [(source, SOURCE), *((task, measure) for task in targets.values() for measure in (PROBE, FINE_TUNE))]
    seeds = [derive_seed(seed, str(architecture), task.fingerprint) for task, _ in wanted]
    trained: list[Trained] = []

    def value(task: Task, measure: str, task_seed: int) -> float:
        if measure == SOURCE:
            model = build(architecture, source.signature, width=settings.width, depth=settings.depth, seed=task_seed)
            checkpoint = None if folder is None else folder / f"{architecture.code}-{seed}.checkpoint"
            trained.append(
                fit(model, source, settings.source_plan, checkpoint=checkpoint, seed=task_seed, device=device)
            )
            if folder is not None:
                save_weights(trained[0].model, weights_file(folder, architecture, seed))
            return trained[0].validation
        if not trained:
            raise MeasurementError("the training on the source had failed")
        if measure == PROBE:
            return linear_probe(trained[0].model, task, strengths=(0.1,), seed=task_seed, device=device).validation
        fresh = with_new_head(trained[0].model, task.signature, seed=task_seed)
        return fit(fresh, task, settings.target_plan, seed=task_seed, device=device).validation

    found = []
    for (task, measure), task_seed in zip(wanted, seeds, strict=True):
        began = time.perf_counter()
        key = adaptation_key(architecture, task, measure, settings, seed=seed)
        unit = "R2" if task.kind == "dense" else "accuracy"
        try:
            score = value(task, measure, task_seed)
            found.append(Measurement(key, score, unit, time.perf_counter() - began))
        except MeasurementError as error:
            seconds = time.perf_counter() - began
            found.append(Measurement(key, math.nan, unit, seconds, "failed", str(error)))
    return tuple(found)


def adaptation_key(
    architecture: Architecture, task: Task, measure: str, settings: AdaptationSettings, *, seed: int
) -> Key:
    """Where a value of :func:`measure_adaptation` is in the evidence store."""
    return Key(str(architecture), task.fingerprint, measure, "validation", settings.fidelity, seed)


def weights_file(folder: Path, architecture: Architecture, seed: int) -> Path:
    """Where :func:`measure_adaptation` keeps the weights of a source training."""
    return folder / f"{architecture.code}-{seed}.safetensors"
