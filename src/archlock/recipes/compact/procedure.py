"""Make a trained model smaller by a share: choose, fade, take out, train on, measure, write."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

import torch
from torch import Tensor, nn

from archlock.decoding import decode
from archlock.errors import MeasurementError, RunError, UnsupportedError
from archlock.evidence import EvidenceStore
from archlock.execution import resolve_device
from archlock.models import TAPPED, Headed, Narrow, as_classifier, labelled, structure_of
from archlock.progress import Progress, Silent
from archlock.recipes.before_after import PairedAttacks, before_after, targets_of
from archlock.recipes.compact.config import CompactConfig, CompactSettings
from archlock.recipes.compact.recording import left_alone, narrowed_groups, sizes, trial_record
from archlock.recipes.compact.shrinking import (
    Schedule,
    Trial,
    curve_without_training,
    looking,
    optimiser_of,
    rates_of,
    schedule_of,
    trial_at,
)
from archlock.recipes.edited import EDITED, made_up_images, open_edited, save_edited
from archlock.recipes.edited_base import Base, base_of, opened_with
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.own_task import fitting_own, mode_notes, source_of
from archlock.recipes.settings import one_of, showing
from archlock.recipes.task_records import task_record, versions
from archlock.recipes.workspace import CARD, REPORT, take_up
from archlock.records import check_writable, plain, read_json, write_atomic, write_json
from archlock.reports import (
    CompactRecord,
    CompactSize,
    CurvePoint,
    PathPoint,
    compact_from_json,
    compact_to_json,
    render_compact,
    render_compact_card,
)
from archlock.seeding import derive_seed
from archlock.tasks import Task, share_of
from archlock.training import COMPACTORS, Choice, evaluate_copy

COMPACT: Final = "compact.json"
CURVE: Final = "curve.json"
CHECKPOINTS: Final = "checkpoints"
EVIDENCE: Final = "evidence.sqlite"


@dataclass(frozen=True, slots=True, eq=False)
class CompactResult:
    """A smaller model, and what is said of it."""

    record: CompactRecord
    model: nn.Module
    """The smaller one, in evaluation mode."""
    path: Path
    """Directory with ``edited.json`` and its weights, ``compact.json``, ``report.html`` and ``README.md``."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
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


@showing(CompactConfig, CompactSettings)
def compact(
    model: str | Path | nn.Module | OpenedModel,
    source: Task | str | Path | None = None,
    config: CompactConfig | None = None,
    *,
    out: str | Path,
    targets: Sequence[Task | str | Path] = (),
    attacks: PairedAttacks | None = None,
    factory: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.compact(...)",
    **settings: Unpack[CompactSettings],
) -> CompactResult:
    """Write a model of which a share is left, trained on its own task; result and report go to ``out``.

    ``model`` is anything that ``open_model`` reads, with ``factory`` and ``arguments`` for a file of weights;
    ``source`` the task that it was trained for, with its classes in the order of the outputs: a lock run knows it
    itself. Settings are those of :class:`CompactConfig`, as a ``config`` or by name: ``compact(model, source,
    keep="50%", out="small")``. With ``targets``, the same attackers (``attacks``) are let loose on the model before and
    after. Everything is decided by the validation split; the test split is read once, at the end.
    The same call takes up what was interrupted and ends with the same bits; one with other targets or attackers lets
    them loose on the model that is there.

    A model with nothing that can be removed, frozen parameters, or a forward pass that decides by numbers raises
    UnsupportedError; a share that would leave a layer empty, too. Where all trainings diverge MeasurementError.
    """
    config, progress = one_of(config, settings, CompactConfig.of), progress or Silent()
    config = replace(config, device=resolve_device(config.device))
    given = dict[str, Any](factory=factory, arguments=arguments)
    opened = model if isinstance(model, OpenedModel) else open_model(model, **given)
    task = source_of(model, opened, source, seed=config.seed)
    opened, task = fitting_own(opened, task, why="a model is made smaller")
    opened = replace(opened, shape=opened.shape or task.shape)
    if config.examples is not None:
        task = share_of(task, config.examples, seed=config.seed)
    notes = [*opened.notes, *mode_notes(model, "made smaller"), *_precision(model)]
    for line in notes:
        progress.say(line)
    folder, began = Path(out), time.perf_counter()
    check_writable(folder / REPORT)
    ready = as_classifier(opened.module, task.shape).eval()
    base = opened.base or base_of(
        ready, name=opened.name, blueprint=opened.blueprint, factory=factory, arguments=arguments or {}
    )
    attacked = targets_of(opened, targets, seed=config.seed)
    attacks = replace(attacks or PairedAttacks(), seed=config.seed, device=config.device)
    choice = _choice(ready, opened.name, task, config)
    schedule = schedule_of(config, _steps(task, config))
    take_up(folder, _identity(opened, task, config))
    if finished := (folder / COMPACT).exists():
        record, smaller = _finished(folder, factory, arguments)
        if not attacked:
            return CompactResult(record, smaller, folder)
    else:
        work = _Work(opened, ready, task, config, choice, schedule, base, tuple(notes), folder, progress)
        record, smaller = _made(work, factory, arguments)
    if attacked:
        store = EvidenceStore(folder / EVIDENCE)
        met = before_after(
            ready, smaller, attacked, attacks, store=store, names=("as it was", "made smaller"), progress=progress,
            workers=workers,
        )  # fmt: skip
        if finished and met == record.attacks:
            return CompactResult(record, smaller, folder)
        record = replace(record, attacks=met)
    record = replace(record, command=command, spent_seconds={"this run": time.perf_counter() - began})
    compact_to_json(folder / COMPACT, record)
    write_atomic(folder / REPORT, render_compact(record))
    write_atomic(folder / CARD, render_compact_card(record, folder=str(folder)))
    for path in (folder / CHECKPOINTS).glob("*.pt"):
        path.unlink()
    return CompactResult(record, smaller, folder)


def _precision(model: object) -> list[str]:
    """What is said of a module that was given in another precision."""
    kinds = {one.dtype for one in model.parameters()} if isinstance(model, nn.Module) else set()
    other = sorted(str(kind).removeprefix("torch.") for kind in kinds if kind != torch.float32)
    if not other:
        return []
    return [f"the model was given in {', '.join(other)}; it is made smaller and written in single precision (float32)"]


def _choice(model: Headed, name: str, task: Task, config: CompactConfig) -> Choice:
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


def _steps(task: Task, config: CompactConfig) -> int:
    """Batches of an epoch."""
    return max(1, -(-(len(task.train) - 1) // config.batch_size))


def _identity(opened: OpenedModel, task: Task, config: CompactConfig) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    known = run_identity({"model": identify(opened, task.shape)})
    return {"source": task.fingerprint, "compact": config, **known}


def _finished(
    folder: Path, factory: str | None, arguments: Mapping[str, Any] | None
) -> tuple[CompactRecord, nn.Module]:
    model = open_edited(folder, factory=factory, arguments=arguments or {}).module
    return compact_from_json(folder / COMPACT), model


def _made(work: _Work, factory: str | None, arguments: Mapping[str, Any] | None) -> tuple[CompactRecord, nn.Module]:
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
    smaller = _as_in_files(best.removed.model if best.trained is None else best.trained.model)
    _write(work, smaller, best.removed.gone, factory, arguments)
    whole = work.choice.structure
    left = structure_of(smaller, made_up_images(task.shape)[:1])
    measured = sizes((work.model, smaller), (whole, left), task.shape, config.runtime)
    before, after = (decode(CompactSize, plain(one)) for one in measured["sizes"])
    tests = tuple(evaluate_copy(one, task.test, device=config.device) for one in (work.model, smaller))
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
        validation=(evaluate_copy(work.model, task.validation, device=config.device), score),
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
        notes=(*work.notes, *measured["notes"]),
    )
    return record, smaller


def _as_in_files(model: nn.Module) -> nn.Module:
    """The model with weights in the order in which files have them (answers differ in the last bits), in place."""
    for value in model.cpu().eval().parameters():
        value.data = value.data.contiguous()
    return model


def _validation(trial: Trial, task: Task, config: CompactConfig) -> float:
    if trial.trained is not None:
        return trial.trained.validation
    assert trial.removed is not None
    return evaluate_copy(trial.removed.model, task.validation, device=config.device)


def _write(
    work: _Work,
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
    save_edited(
        work.folder,
        smaller,  # type: ignore[arg-type]
        (*work.opened.edits, *edits),
        work.base,
        name=work.opened.name,
        shape=work.task.shape,
        framing=work.opened.framing,
        built_with=versions(),
    )
    again = open_edited(work.folder, factory=factory, arguments=arguments or {}).module
    if not torch.equal(_answers(again, work.task), _answers(smaller, work.task)):
        raise RunError(f"{work.folder / EDITED} was written and answers otherwise when it is read; please report it")


def _answers(model: nn.Module, task: Task) -> Tensor:
    with torch.no_grad():
        answers: Tensor = model.eval()(made_up_images(task.shape))
    return answers
