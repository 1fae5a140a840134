"""Harden a trained model: against adversaries, sparse, well-conditioned; then adversaries and attackers on both."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

from torch import nn

from archlock.adversaries import SILENT, Look, check_epsilon, look_at
from archlock.errors import UnsupportedError
from archlock.execution import resolve_device
from archlock.models import Headed, stretching_of
from archlock.progress import Progress, Silent, counted
from archlock.recipes.before_after import PairedAttacks, before_after, in_common_notes, targets_of
from archlock.recipes.edited import check_shape, save_edited
from archlock.recipes.edited_base import Base, base_of
from archlock.recipes.harden.config import HardenConfig, HardenSettings
from archlock.recipes.harden.immunity import immunity_record
from archlock.recipes.harden.measuring import layer_records, size, smoothness
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.own_task import check_several_classes, fitting_own, mode_notes, source_of
from archlock.recipes.robustness.procedure import robustness
from archlock.recipes.settings import one_of, showing
from archlock.recipes.task_records import task_record, versions
from archlock.recipes.workspace import REPORT, Workspace
from archlock.records import check_writable, write_atomic
from archlock.reports import (
    BeforeAfterRecord,
    HardeningRecord,
    RobustnessRecord,
    hardening_from_json,
    hardening_to_json,
    render_hardening,
)
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training import Hardened, Immunising, batch_of, check_possible, prunable
from archlock.training import harden as harden_stage

HARDENING: Final = "hardening.json"
ROBUSTNESS: Final = "robustness"
LOOKED_AT: Final = 100
"""Validation images of the first look."""


@dataclass(frozen=True, slots=True, eq=False)
class HardenResult:
    """What was written."""

    record: HardeningRecord
    path: Path
    """Directory with the model, ``hardening.json`` and ``report.html``."""
    model: nn.Module
    """The hardened model, in evaluation mode."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """What is hardened, and with what."""

    opened: OpenedModel
    task: Task
    base: Base
    targets: tuple[Task, ...]
    immunise: Task | None
    config: HardenConfig
    notes: tuple[str, ...]


@showing(HardenConfig, HardenSettings)
def harden(
    model: str | Path | nn.Module | OpenedModel,
    source: Task | str | Path | None = None,
    config: HardenConfig | None = None,
    *,
    out: str | Path,
    targets: Sequence[Task | str | Path] = (),
    immunise: Task | str | Path | None = None,
    factory: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.harden(...)",
    **settings: Unpack[HardenSettings],
) -> HardenResult:
    """Train a model on so that changed images mislead it less, with most of its weights zero; writes it to ``out``.

    ``model`` is anything that ``open_model`` reads and that says what it is built from, ``source`` the task that it was
    trained for (a lock run knows it). Settings are those of :class:`HardenConfig`, as a ``config`` or by name. Both
    models are judged by the same adversaries on the same test images; with ``targets`` the same attackers are let loose
    on both, paired. ``immunise`` names data whose features are to be ill-conditioned. The same call takes up what was
    interrupted, with the same result; one with other targets or attackers lets them loose on the models that are there.

    A model that normalises outside, or has no gradient, and a task without classes raise UnsupportedError; classes that
    do not match the head, a single class, and a sparsity that empties a layer ConfigurationError; a loss that is not
    finite MeasurementError.
    """
    config, progress, folder = one_of(config, settings, HardenConfig.of), progress or Silent(), Path(out)
    config = replace(config, device=resolve_device(config.device))
    prepared = _prepared(model, source, targets, immunise, config, factory, arguments or {})
    for line in prepared.notes:
        progress.say(line)
    check_writable(folder / REPORT)
    workspace = Workspace.open(folder, _identity(prepared))
    spent, began = dict[str, float](), time.perf_counter()
    dense, hardened = _trained(prepared, workspace, progress)
    spent["training"] = time.perf_counter() - began
    opened = prepared.opened
    save_edited(
        folder,
        _headed(hardened.model),
        opened.edits,
        prepared.base,
        name=f"{opened.name}, hardened",
        shape=prepared.task.shape,
        framing=opened.framing,
        built_with=versions(),
    )
    after = open_model(folder, factory=factory if _needs_factory(prepared.base) else None, arguments=arguments)
    began = time.perf_counter()
    judged = [
        _judged(one, name, prepared, folder, workers, progress) for name, one in (("before", opened), ("after", after))
    ]
    spent["adversaries"] = time.perf_counter() - began
    record = _record(prepared, dense, hardened, after.module, judged, command)
    attacks = _attacked(prepared, after.module, workspace, workers, progress)
    if attacks is not None:
        spent["attacks"] = attacks.seconds
    record = replace(record, attacks=attacks, spent_seconds=spent)
    hardening_to_json(folder / HARDENING, record)
    write_atomic(folder / REPORT, render_hardening(record, folder=str(folder)))
    return HardenResult(record, folder, after.module)


def _prepared(
    model: str | Path | nn.Module | OpenedModel,
    source: Task | str | Path | None,
    targets: Sequence[Task | str | Path],
    immunise: Task | str | Path | None,
    config: HardenConfig,
    factory: str | None,
    arguments: Mapping[str, Any],
) -> _Prepared:
    """Everything that can be said before anything is trained."""
    opened = model
    if not isinstance(opened, OpenedModel):
        own = isinstance(opened, nn.Module)  # (then the factory is what builds it anew, from its file)
        opened = open_model(opened) if own else open_model(opened, factory=factory, arguments=arguments)
    opened, task = fitting_own(opened, source_of(model, opened, source, seed=config.seed), why="a model is hardened")
    check_several_classes(task)
    check_epsilon(max(config.judging.epsilons), config.norm, task.shape)
    check_shape(task.shape)
    base = opened.base or base_of(
        opened.module, name=opened.name, blueprint=opened.blueprint, factory=factory, arguments=arguments
    )
    if config.sparsity:
        _check_plain_weights(opened.module)
        check_possible(prunable(opened.module), config.sparsity)
    batch = batch_of(task.validation.take(range(min(LOOKED_AT, len(task.validation)))))
    look = look_at(opened.module, batch.images, batch.targets)
    if not look.has_gradient or (look.silent == 1 and look.looked_at):
        raise UnsupportedError(
            f"{opened.name} has no gradient in its images, so it cannot be trained against an adversary that follows it"
        )
    given = targets_of(opened, targets, seed=config.seed)
    other = None if immunise is None else targets_of(opened, [immunise], seed=config.seed)[0]
    if other is not None and not other.traits.has_classes:
        raise UnsupportedError(
            f"a model is immunised against data with classes, one for each image; {other.name!r} is a {other.kind} task"
        )
    notes = (
        *opened.notes,
        *mode_notes(model, "hardened and judged"),
        *look.notes,
        *_silence(look),
        *in_common_notes(task, given),
    )
    return _Prepared(opened, task, base, given, other, config, notes)


def _silence(look: Look) -> list[str]:
    """What is said of a model that an adversary can follow at some images only."""
    if look.silent <= SILENT:
        return []
    return [
        f"at {look.silent:.0%} of the images the given model has no gradient (saturated or rounded answers?), so the "
        "adversary that it is trained against has nothing to follow there"
    ]


def _check_plain_weights(model: nn.Module) -> None:
    """UnsupportedError where layers compute their weights, so that zeros would not stay zeros."""
    layers = [
        name
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d) and "weight" not in layer._parameters
    ]
    if layers:
        raise UnsupportedError(
            f"the weights of {', '.join(layers[:3])}{' and others' * (len(layers) > 3)} are computed (weight norm or "
            "another parametrisation), so they cannot be pruned; make them plain before with "
            "torch.nn.utils.parametrize.remove_parametrizations (or remove_weight_norm), or ask for sparsity 0"
        )


def _identity(prepared: _Prepared) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    known = run_identity({"model": identify(prepared.opened, prepared.task.shape)})
    also = {} if prepared.immunise is None else {"immunise": prepared.immunise.fingerprint}
    training = replace(prepared.config, attacks=PairedAttacks())
    return {"source": prepared.task.fingerprint, "harden": training, **also, **known}


def _trained(prepared: _Prepared, workspace: Workspace, progress: Progress) -> tuple[Hardened, Hardened]:
    """After the dense stage and in the end; without sparsity both are one."""
    config, task = prepared.config, prepared.task
    other = prepared.immunise
    immunising = None if other is None else Immunising(other, config.immunise_own, config.immunise_other)

    def stage(name: str, model: nn.Module, plan: Any, hardening: Any) -> Hardened:
        reached = counted(progress, f"epochs of the {name} stage", plan.epochs)
        return harden_stage(
            model,
            task,
            plan,
            hardening,
            immunising=immunising,
            checkpoint=workspace.checkpoints / f"{name}.pt",
            progress=lambda done, epochs: reached(done, f"epoch {done} of {epochs}"),
            seed=derive_seed(config.seed, "harden", name),
            device=config.device,
        )

    plans = config.plans(len(task.train))
    dense = stage("dense", prepared.opened.module, plans[0], replace(config.hardening, sparsity=0.0))
    return dense, stage("sparse", dense.model, plans[1], config.hardening) if config.sparsity else dense


def _judged(
    opened: OpenedModel, name: str, prepared: _Prepared, folder: Path, workers: int | None, progress: Progress
) -> RobustnessRecord:
    """What adversaries leave of a model, with a page of its own."""
    result = robustness(
        opened,
        prepared.task,
        prepared.config.judging,
        out=folder / ROBUSTNESS / name,
        workers=workers,
        progress=progress,
        command=f"archlock harden, {name}",
    )
    return result.record


def _attacked(
    prepared: _Prepared, after: nn.Module, workspace: Workspace, workers: int | None, progress: Progress
) -> BeforeAfterRecord | None:
    """What attackers get of both; without a target what is there of an earlier call, or None."""
    if not prepared.targets:
        before = workspace.path / HARDENING
        return hardening_from_json(before).attacks if before.exists() else None
    settings = replace(prepared.config.attacks, seed=prepared.config.seed, device=prepared.config.device)
    return before_after(
        prepared.opened.module,
        after,
        prepared.targets,
        settings,
        store=workspace.store,
        progress=progress,
        workers=workers,
    )


def _record(
    prepared: _Prepared,
    dense: Hardened,
    hardened: Hardened,
    after: nn.Module,
    judged: Sequence[RobustnessRecord],
    command: str,
) -> HardeningRecord:
    config, task, before = prepared.config, prepared.task, prepared.opened.module
    immunised = prepared.immunise
    moments = before, dense.model.cpu(), after
    stretchings = [stretching_of(one, task.shape) for one in moments]
    first, second, third = (smoothness(one, found, task) for one, found in zip(moments, stretchings, strict=True))
    return HardeningRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.seed,
        command=command,
        versions=versions(),
        model=prepared.opened.name,
        origin=prepared.opened.origin,
        source=task_record(task),
        epsilon=float(config.epsilon),
        norm=config.norm,
        sparsity=float(config.sparsity),
        condition=float(config.condition),
        sparse_shape=float(config.sparse_shape),
        epochs=config.stages,
        validation=hardened.robust,
        before=replace(judged[0], examples=()),
        after=replace(judged[1], examples=()),
        layers=layer_records(*moments, [one.layers for one in stretchings]),
        smoothness=(first, second, third),
        sizes=(size(before, task.shape), size(after, task.shape)),
        immunity=None if immunised is None else immunity_record(before, after, task, immunised, seed=config.seed),
        notes=prepared.notes,
    )


def _headed(model: nn.Module) -> Headed:
    """A copy on the CPU that can be written."""
    ready = model.cpu()
    if not isinstance(ready, Headed):
        raise UnsupportedError(f"{type(model).__name__} has no head that is known; see as_classifier")
    return ready


def _needs_factory(base: Base) -> bool:
    """Whether only the user's own code can build it."""
    return bool(base.described["kind"] == "factory")
