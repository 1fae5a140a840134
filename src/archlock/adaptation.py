"""Adaptation evidence: train an architecture on the source, then see what an attacker would gain from its weights.

From-scratch accuracy on a target hardly predicts what fine-tuning gains (see docs/method.md), so a lock is judged by
adaptations of source-trained weights: a linear probe, nearly free, and a fine-tuning. A search measures on validation
splits; test splits are read only where a caller asks for them by name, to record what others will be judged by.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from torch import nn

from archlock.errors import MeasurementError
from archlock.evidence import Key, Measurement, fidelity_name
from archlock.execution import computed_on
from archlock.models import build, save_weights, with_new_head
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.spaces import Architecture
from archlock.tasks import Task
from archlock.training import Plan, evaluate, fit, linear_probe

SOURCE = "source_accuracy"
PROBE = "probe_accuracy"
FINE_TUNE = "fine_tune_accuracy"
SCRATCH = "scratch_accuracy"

Judge = Literal["validation", "test"]
"""A split on which a model is scored."""
Scored = tuple[nn.Module, float]
"""A model and its score on the validation split."""


@dataclass(frozen=True, slots=True)
class AdaptationSettings:
    """How adaptation evidence is bought: the size of the network and the two trainings."""

    width: int
    depth: int
    source_plan: Plan
    target_plan: Plan

    def fidelity(self, source: Task | None, *, device: str) -> str:
        """Name of these settings in the evidence store, computed on that kind of device with this version of torch.

        The source is None where none took part (from scratch).
        """
        settings = fingerprint([self, "" if source is None else source.fingerprint])
        return fidelity_name("adaptation", settings, computed=computed_on(device))


def measure_adaptation(
    architecture: Architecture,
    source: Task,
    targets: Mapping[str, Task],
    settings: AdaptationSettings,
    *,
    splits: Sequence[Judge] = ("validation",),
    folder: Path | None = None,
    then: Callable[[nn.Module | None], Iterable[Measurement]] | None = None,
    seed: int,
    device: str = "cpu",
) -> tuple[Measurement, ...]:
    """Source accuracy, and probe and fine-tuned accuracy on every target, each on every one of the splits.

    Tasks are keyed by fingerprint in the measurements; a diverged training is a measurement with status "failed", and
    so is everything that would have started from it. With a ``folder`` the training on the source is checkpointed there
    and the trained weights are kept (:func:`weights_file`). What ``then`` measures of the trained model (None: its
    training had failed) follows.
    """
    trained: list[nn.Module] = []

    def on_source(task_seed: int) -> Scored:
        model = build(architecture, source.signature, width=settings.width, depth=settings.depth, seed=task_seed)
        checkpoint = None if folder is None else folder / f"{architecture.code}-{seed}.checkpoint"
        found = fit(model, source, settings.source_plan, checkpoint=checkpoint, seed=task_seed, device=device)
        if folder is not None:
            save_weights(found.model, weights_file(folder, architecture, seed))
        trained.append(found.model)
        return found.model, found.validation

    def probed(task: Task, task_seed: int) -> Scored:
        found = linear_probe(_first(trained), task, strengths=(0.1,), seed=task_seed, device=device)
        return found.model, found.validation

    def fine_tuned(task: Task, task_seed: int) -> Scored:
        fresh = with_new_head(_first(trained), task.signature, seed=task_seed)
        found = fit(fresh, task, settings.target_plan, seed=task_seed, device=device)
        return found.model, found.validation

    def measured(task: Task, measure: str, attempt: Callable[[int], Scored]) -> list[Measurement]:
        key = adaptation_key(architecture, task, measure, settings, source=source, seed=seed, device=device)
        return _measured(key, architecture, task, attempt, splits, device)

    found = measured(source, SOURCE, on_source)
    for task in targets.values():
        found += measured(task, PROBE, partial(probed, task))
        found += measured(task, FINE_TUNE, partial(fine_tuned, task))
    return (*found, *(then(trained[0] if trained else None) if then is not None else ()))


def measure_from_scratch(
    architecture: Architecture,
    task: Task,
    settings: AdaptationSettings,
    *,
    splits: Sequence[Judge] = ("validation",),
    seed: int,
    device: str = "cpu",
) -> tuple[Measurement, ...]:
    """Accuracy of the architecture trained on the task from new weights, as long as a fine-tuning would be."""

    def from_scratch(task_seed: int) -> Scored:
        model = build(architecture, task.signature, width=settings.width, depth=settings.depth, seed=task_seed)
        found = fit(model, task, settings.target_plan, seed=task_seed, device=device)
        return found.model, found.validation

    key = adaptation_key(architecture, task, SCRATCH, settings, source=None, seed=seed, device=device)
    return tuple(_measured(key, architecture, task, from_scratch, splits, device))


def adaptation_key(
    architecture: Architecture,
    task: Task,
    measure: str,
    settings: AdaptationSettings,
    *,
    source: Task | None,
    split: Judge = "validation",
    seed: int,
    device: str,
) -> Key:
    """Where a value of :func:`measure_adaptation` (without source: of :func:`measure_from_scratch`) is in the store."""
    fidelity = settings.fidelity(source, device=device)
    return Key(str(architecture), task.fingerprint, measure, split, fidelity, seed)


def weights_file(folder: Path, architecture: Architecture, seed: int) -> Path:
    """Where :func:`measure_adaptation` keeps the weights of a source training."""
    return folder / f"{architecture.code}-{seed}.safetensors"


def _measured(
    key: Key,
    architecture: Architecture,
    task: Task,
    attempt: Callable[[int], Scored],
    splits: Sequence[Judge],
    device: str,
) -> list[Measurement]:
    """One training or probe, scored on the splits; the first measurement bears its seconds."""
    began = time.perf_counter()
    unit = task.unit
    keys = [replace(key, split=split) for split in splits]
    try:
        model, validation = attempt(derive_seed(key.seed, str(architecture), task.fingerprint))
    except MeasurementError as error:
        seconds = time.perf_counter() - began
        return [Measurement(one, math.nan, unit, seconds, "failed", str(error)) for one in keys]
    seconds = time.perf_counter() - began
    scores = [validation if one == "validation" else evaluate(model, task.test, device=device) for one in splits]
    return [
        Measurement(one, score, unit, seconds if place == 0 else 0.0)
        for place, (one, score) in enumerate(zip(keys, scores, strict=True))
    ]


def _first(trained: Sequence[nn.Module]) -> nn.Module:
    if not trained:
        raise MeasurementError("the training on the source had failed")
    return trained[0]
