"""Measure how robust a trained model is: adversaries on test images of its own task, worst case for each image."""

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
from torch import nn

from archlock.adversaries import ADVERSARIES, Look, check_epsilon, look_at, signs_of_masking
from archlock.decoding import decode
from archlock.errors import UnsupportedError
from archlock.execution import resolve_device, workers_for
from archlock.progress import Progress, Silent
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.own_task import fitting_own, mode_notes
from archlock.recipes.robustness.config import RobustnessConfig, RobustnessSettings
from archlock.recipes.robustness.examples import examples
from archlock.recipes.robustness.parts import Part, Prepared, all_parts
from archlock.recipes.settings import one_of, showing
from archlock.recipes.task_records import task_record, versions
from archlock.recipes.workspace import REPORT, take_up
from archlock.records import check_writable, read_json, write_atomic, write_json
from archlock.reports import (
    AdversaryRecord,
    RobustnessRecord,
    SignRecord,
    render_robustness,
    robustness_to_json,
)
from archlock.seeding import derive_seed, rng_for
from archlock.tasks import Task
from archlock.training import batch_of

ROBUSTNESS: Final = "robustness.json"
LOOK: Final = "look.json"
LOOKED_AT: Final = 100
"""Images of the first look."""


@dataclass(frozen=True, slots=True, eq=False)
class RobustnessResult:
    """What adversaries take."""

    record: RobustnessRecord
    path: Path
    """Directory with ``robustness.json`` and ``report.html``."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT


@showing(RobustnessConfig, RobustnessSettings)
def robustness(
    model: str | Path | nn.Module | OpenedModel,
    source: Task | str | Path,
    config: RobustnessConfig | None = None,
    *,
    out: str | Path,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.robustness(...)",
    **settings: Unpack[RobustnessSettings],
) -> RobustnessResult:
    """Let adversaries perturb test images of a model's own task; writes result and report to ``out``.

    ``model`` is anything that ``open_model`` reads, ``source`` the task that it was trained for, with its classes in
    the order of the outputs. Settings are those of :class:`RobustnessConfig`, as a ``config`` or by name:
    ``robustness(model, source, epsilons="2/255,8/255", out="rob")``. An image counts as kept if no adversary makes the
    model wrong about it; those that it is wrong about anyhow are not attacked. The same call takes up what was
    interrupted.

    A model that normalises outside or by the batch, that has no gradient where only adversaries along gradients were
    asked for, and a dense task raise UnsupportedError; classes that do not match the head ConfigurationError.
    """
    config, progress = one_of(config, settings, RobustnessConfig.of), progress or Silent()
    config = replace(config, device=resolve_device(config.device))
    opened = model if isinstance(model, OpenedModel) else open_model(model)
    task = source if isinstance(source, Task) else opened.read(str(source), seed=config.seed)
    opened, task = fitting_own(opened, task, why="robustness is measured")
    for epsilon in config.rising:
        check_epsilon(epsilon, config.norm, task.shape)
    notes = [*opened.notes, *mode_notes(model, "measured")]
    for line in notes:
        progress.say(line)
    folder, began = Path(out), time.perf_counter()
    check_writable(folder / REPORT)
    take_up(folder, _identity(opened, task, config))
    rows = _rows(task, config)
    prepared = _prepared(opened, task, rows, config)
    look = _look(prepared, folder)
    for line in look.notes:
        progress.say(f"warning: {line}")
    chosen = _able(config, look, opened.name)
    parts = all_parts(prepared, chosen, folder, workers=workers_for(config.device, workers), progress=progress)
    found = _record(opened, task, rows, config, prepared, parts, look)
    found = replace(
        found,
        command=command,
        notes=(*notes, *look.notes, *_left_out(config, chosen)),
        spent_seconds={"this run": time.perf_counter() - began},
    )
    robustness_to_json(folder / ROBUSTNESS, found)
    write_atomic(folder / REPORT, render_robustness(found))
    return RobustnessResult(found, folder)


def _identity(opened: OpenedModel, task: Task, config: RobustnessConfig) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    known = run_identity({"model": identify(opened, task.shape)})
    return {"source": task.fingerprint, "robustness": config, **known}


def _rows(task: Task, config: RobustnessConfig) -> tuple[int, ...]:
    """Rows of the test split, in order; with one seed fewer are some of more."""
    order = rng_for(config.seed, "robustness", "images").permutation(len(task.test))
    return tuple(sorted(int(row) for row in order[: config.images]))


def _prepared(opened: OpenedModel, task: Task, rows: tuple[int, ...], config: RobustnessConfig) -> Prepared:
    batch = batch_of(task.test.take(np.array(rows)))
    return Prepared(
        module=deepcopy(opened.module).eval().requires_grad_(False),
        images=batch.images,
        labels=batch.targets,
        seeds=tuple(derive_seed(config.seed, "robustness", row) for row in rows),
        epsilons=tuple(epsilon for epsilon in config.rising if epsilon > 0),
        norm=config.norm,
        effort=config.effort,
        device=config.device,
    )


def _look(prepared: Prepared, folder: Path) -> Look:
    """The first look, once for a run."""
    path = folder / LOOK
    if not path.exists():
        module = prepared.module.to(prepared.device)
        few = [tensor[:LOOKED_AT].to(prepared.device) for tensor in (prepared.images, prepared.labels)]
        write_json(path, look_at(module, *few))
    return decode(Look, read_json(path), where=str(path))


def _able(config: RobustnessConfig, look: Look, name: str) -> tuple[str, ...]:
    """The adversaries that can do something; UnsupportedError where none can."""
    able = tuple(one for one in config.chosen if look.has_gradient or not ADVERSARIES[one].sees_gradients)
    if not able:
        raise UnsupportedError(
            f"{name} has no gradient in its images, which {', '.join(config.chosen)} would follow; take square "
            "(--adversary square), which asks for answers alone"
        )
    return able


def _left_out(config: RobustnessConfig, able: tuple[str, ...]) -> tuple[str, ...]:
    left = [name for name in config.chosen if name not in able]
    words = f"{', '.join(left)} were left out: the model has no gradient for them to follow"
    return (words,) if left else ()


def _record(
    opened: OpenedModel,
    task: Task,
    rows: tuple[int, ...],
    config: RobustnessConfig,
    prepared: Prepared,
    parts: Mapping[str, Part],
    look: Look,
) -> RobustnessRecord:
    zero = len(config.rising) - len(prepared.epsilons)  # (an epsilon of 0 beats nothing)
    adversaries = tuple(
        AdversaryRecord(
            name=name,
            paper=ADVERSARIES[name].paper,
            summary=ADVERSARIES[name].summary,
            sees_gradients=ADVERSARIES[name].sees_gradients,
            beaten=tuple(at + zero if at else 0 for at in part.beaten),
            seconds=part.seconds,
        )
        for name, part in parts.items()
    )
    return RobustnessRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.seed,
        command="",
        versions=versions(),
        model=opened.name,
        origin=opened.origin,
        source=task_record(task),
        rows=rows,
        norm=config.norm,
        epsilons=config.rising,
        steps=config.steps,
        restarts=config.restarts,
        queries=config.queries,
        adversaries=adversaries,
        signs=_signs(look, parts, len(prepared.epsilons)),
        examples=examples(prepared, adversaries, rows, config.rising, task.classes),
    )


def _signs(look: Look, parts: Mapping[str, Part], epsilons: int) -> tuple[SignRecord, ...]:
    beaten = {name: np.array([at for at in part.beaten if at > 0]) for name, part in parts.items()}
    blind = [name for name in beaten if not ADVERSARIES[name].sees_gradients]
    one_step = [name for name in beaten if ADVERSARIES[name].one_step]
    found = signs_of_masking(look, beaten, epsilons, blind=blind, one_step=one_step)
    return tuple(
        SignRecord(name=one.name, share=one.share, limit=one.limit, seen=one.seen, words=one.words) for one in found
    )
