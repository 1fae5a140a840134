"""The smaller model itself: what may go, the trainings that validation decides between, the files, the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from archlock.decoding import decode
from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import TAPPED, Headed, Narrow, labelled, structure_of
from archlock.progress import Progress
from archlock.recipes.compact.config import CompactConfig
from archlock.recipes.compact.recording import left_alone, narrowed_groups, sizes, trial_record
from archlock.recipes.compact.shrinking import (
    Schedule,
    Trial,
    curve_without_training,
    looking,
    optimiser_of,
    rates_of,
    trial_at,
)
from archlock.recipes.edited import made_up_images
from archlock.recipes.edited_base import Base, opened_with
from archlock.recipes.opening import OpenedModel
from archlock.recipes.own_task import known_images_notes
from archlock.recipes.storing import stored
from archlock.recipes.task_records import task_record, versions
from archlock.records import plain, read_json, write_json
from archlock.reports import CompactRecord, CompactSize, CurvePoint, PathPoint
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training import COMPACTORS, Choice, evaluate_copy

CURVE: Final = "curve.json"
CHECKPOINTS: Final = "checkpoints"


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What is made smaller, and how."""

    opened: OpenedModel
    model: Headed
    task: Task
    config: CompactConfig
    choice: Choice
    schedule: Schedule
    base: Base
    notes: tuple[str, ...]
    folder: Path
    progress: Progress


def choice_of(model: Headed, name: str, task: Task, config: CompactConfig) -> Choice:
    """What may go; UnsupportedError where nothing may, where parameters are frozen, or where too much is to go."""
    frozen = [key.removeprefix(TAPPED) for key, value in model.named_parameters() if not value.requires_grad]
    if frozen:
        raise UnsupportedError(
            f"{name} has {len(frozen)} frozen parameters, such as {frozen[0]} (they require no gradient); what is left "
            "of a smaller network must train: free them with model.requires_grad_(True)"
        )
    images = torch.rand(2, *task.shape, generator=torch.Generator().manual_seed(derive_seed(config.seed, "edits")))
    try:
        structure = labelled(model, structure_of(model, images[:1]), images, seed=config.seed)
    except UnsupportedError as error:
        raise UnsupportedError(f"{name}: {error}") from error
    all_of = Choice(structure, tuple(group for group in structure.groups if group.exact), config.goal)
    able = Choice(structure, tuple(group for group in all_of.groups if group.units > all_of.least(group)), config.goal)
    if not able.groups:
        reasons = "; ".join(left_alone(structure, able)) or "it has no convolution and no linear layer"
        raise UnsupportedError(f"nothing of {name} can be removed exactly: {reasons}")
    try:
        able.check_reachable()
    except UnsupportedError as error:
        raise UnsupportedError(f"{name}: {error}") from error
    return able


def steps_of(task: Task, config: CompactConfig) -> int:
    """Batches of an epoch."""
    return max(1, -(-(len(task.train) - 1) // config.batch_size))


def made_smaller(
    work: Work, factory: str | None, arguments: Mapping[str, Any] | None
) -> tuple[CompactRecord, nn.Module]:
    """The smaller model, written and read again, and its record."""
    config, folder, task = work.config, work.folder, work.task
    if not (folder / CURVE).exists():
        work.progress.say("what smaller networks are worth without training")
        write_json(folder / CURVE, curve_without_training(work.model, work.choice, task, config))
    curve = tuple(decode(CurvePoint, one, where=CURVE) for one in read_json(folder / CURVE))
    trials = [
        trial_at(
            rate,
            work.model,
            work.choice,
            task,
            config,
            work.schedule,
            folder=folder / CHECKPOINTS,
            progress=work.progress,
        )
        for rate in rates_of(config, optimiser_of(config, work.model))
    ]
    scores = [None if trial.removed is None else _validation(trial, task, config) for trial in trials]
    ended = [(score, trial) for score, trial in zip(scores, trials, strict=True) if score is not None]
    if not ended:
        raise MeasurementError("; ".join(trial.note for trial in trials))
    score, best = max(ended, key=lambda one: one[0])
    assert best.removed is not None
    smaller = best.removed.model if best.trained is None else best.trained.model
    _write(work, smaller, best.removed.gone, factory, arguments)
    whole = work.choice.structure
    left = structure_of(smaller, made_up_images(task.shape)[:1])
    measured = sizes((work.model, smaller), (whole, left), task.shape, config.runtime)
    before, after = (decode(CompactSize, plain(one)) for one in measured["sizes"])
    tests = tuple(evaluate_copy(one, task.test, device=config.device) for one in (work.model, smaller))
    known = evaluate_copy(work.model, task.validation, device=config.device)
    method = COMPACTORS[config.method]
    periods = work.schedule.periods
    record = CompactRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.seed,
        command="",
        versions=versions(),
        model=work.opened.name,
        origin=work.opened.origin,
        opened_with=opened_with(work.base),
        source=task_record(task),
        method=method.name,
        paper=method.paper,
        summary=method.summary,
        asked=config.keep,
        cost=config.cost,
        divisible=config.divisible,
        groups=narrowed_groups(work.choice, best.removed.gone),
        left_alone=left_alone(whole, work.choice),
        before=before,
        after=after,
        timed_in=measured["timed_in"],
        difference=best.removed.difference,
        validation=(known, score),
        test=(tests[0], tests[1]),
        rate=best.rate,
        epochs=(work.schedule.fading, work.schedule.rest),
        periods=0 if periods is None else periods.periods,
        pruning_steps=0 if periods is None else periods.periods * periods.length,
        steps=best.removed.steps + (0 if best.trained is None else best.trained.steps),
        cycles=best.removed.cycles,
        curve=curve,
        path=tuple(PathPoint(kept=work.choice.units - one.removed, score=one.score) for one in best.removed.path),
        trials=tuple(trial_record(trial, score) for trial, score in zip(trials, scores, strict=True)),
        looked_on=len(looking(task)[1]),
        notes=(*work.notes, *known_images_notes(known, tests[0], task), *measured["notes"]),
    )
    return record, smaller


def _validation(trial: Trial, task: Task, config: CompactConfig) -> float:
    if trial.trained is not None:
        return trial.trained.validation
    assert trial.removed is not None
    return evaluate_copy(trial.removed.model, task.validation, device=config.device)


def _write(
    work: Work,
    smaller: nn.Module,
    gone: Mapping[str, tuple[int, ...]],
    factory: str | None,
    arguments: Mapping[str, Any] | None,
) -> None:
    """The smaller model on disk; RunError where it answers otherwise when it is read again."""
    edits = tuple(
        Narrow(group.name, group.units - len(gone[group.name]), group.units)
        for group in work.choice.groups
        if group.name in gone
    )
    stored(
        work.folder, work.opened, smaller, edits, work.base, shape=work.task.shape, factory=factory, arguments=arguments
    )
