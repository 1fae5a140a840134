"""Harden a trained model: against adversaries, sparse, well-conditioned; then adversaries and attackers on both."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

from torch import nn

from archlock.execution import resolve_device
from archlock.models import stretching_of
from archlock.progress import Progress, Silent, counted
from archlock.recipes.before_after import PairedAttacks, before_after
from archlock.recipes.edited_base import Base
from archlock.recipes.harden.config import HardenConfig, HardenSettings
from archlock.recipes.harden.immunity import immunity_record
from archlock.recipes.harden.measuring import layer_records, size, smoothness
from archlock.recipes.harden.preparing import Prepared, prepared
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.robustness.procedure import robustness
from archlock.recipes.settings import one_of, showing
from archlock.recipes.storing import stored
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
from archlock.training import Hardened, Immunising
from archlock.training import harden as harden_stage

HARDENING: Final = "hardening.json"
ROBUSTNESS: Final = "robustness"


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
    ready = prepared(model, source, targets, immunise, config, factory, arguments or {})
    for line in ready.notes:
        progress.say(line)
    check_writable(folder / REPORT)
    workspace = Workspace.open(folder, _identity(ready))
    spent, began = dict[str, float](), time.perf_counter()
    dense, hardened = _trained(ready, workspace, progress)
    spent["training"] = time.perf_counter() - began
    opened, code = ready.opened, factory if _needs_factory(ready.base) else None
    stored(
        folder, opened, hardened.model, (), ready.base, shape=ready.task.shape, factory=code,
        arguments=arguments, name=f"{opened.name}, hardened",
    )  # fmt: skip
    after = open_model(folder, factory=code, arguments=arguments)
    began = time.perf_counter()
    judged = [
        _judged(one, name, ready, folder, workers, progress) for name, one in (("before", opened), ("after", after))
    ]
    spent["adversaries"] = time.perf_counter() - began
    record = _record(ready, dense, hardened, after.module, judged, command)
    attacks = _attacked(ready, after.module, workspace, workers, progress)
    if attacks is not None:
        spent["attacks"] = attacks.seconds
    record = replace(record, attacks=attacks, spent_seconds=spent)
    hardening_to_json(folder / HARDENING, record)
    write_atomic(folder / REPORT, render_hardening(record, folder=str(folder)))
    return HardenResult(record, folder, after.module)


def _identity(ready: Prepared) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    known = run_identity({"model": identify(ready.opened, ready.task.shape)})
    also = {} if ready.immunise is None else {"immunise": ready.immunise.fingerprint}
    training = replace(ready.config, attacks=PairedAttacks())
    return {"source": ready.task.fingerprint, "harden": training, **also, **known}


def _trained(ready: Prepared, workspace: Workspace, progress: Progress) -> tuple[Hardened, Hardened]:
    """After the dense stage and in the end; without sparsity both are one."""
    config, task = ready.config, ready.task
    other = ready.immunise
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
    dense = stage("dense", ready.opened.module, plans[0], replace(config.hardening, sparsity=0.0))
    return dense, stage("sparse", dense.model, plans[1], config.hardening) if config.sparsity else dense


def _judged(
    opened: OpenedModel, name: str, ready: Prepared, folder: Path, workers: int | None, progress: Progress
) -> RobustnessRecord:
    """What adversaries leave of a model, with a page of its own."""
    result = robustness(
        opened,
        ready.task,
        ready.config.judging,
        out=folder / ROBUSTNESS / name,
        workers=workers,
        progress=progress,
        command=f"archlock harden, {name}",
    )
    return result.record


def _attacked(
    ready: Prepared, after: nn.Module, workspace: Workspace, workers: int | None, progress: Progress
) -> BeforeAfterRecord | None:
    """What attackers get of both; without a target what is there of an earlier call, or None."""
    if not ready.targets:
        before = workspace.path / HARDENING
        return hardening_from_json(before).attacks if before.exists() else None
    settings = replace(ready.config.attacks, seed=ready.config.seed, device=ready.config.device)
    return before_after(
        ready.opened.module,
        after,
        ready.targets,
        settings,
        store=workspace.store,
        progress=progress,
        workers=workers,
    )


def _record(
    ready: Prepared,
    dense: Hardened,
    hardened: Hardened,
    after: nn.Module,
    judged: Sequence[RobustnessRecord],
    command: str,
) -> HardeningRecord:
    config, task, before = ready.config, ready.task, ready.opened.module
    immunised = ready.immunise
    moments = before, dense.model.cpu(), after
    stretchings = [stretching_of(one, task.shape) for one in moments]
    first, second, third = (smoothness(one, found, task) for one, found in zip(moments, stretchings, strict=True))
    return HardeningRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.seed,
        command=command,
        versions=versions(),
        model=ready.opened.name,
        origin=ready.opened.origin,
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
        notes=ready.notes,
    )


def _needs_factory(base: Base) -> bool:
    """Whether only the user's own code can build it."""
    return bool(base.described["kind"] == "factory")
