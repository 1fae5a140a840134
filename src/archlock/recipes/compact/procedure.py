"""Make a trained model smaller by a share: choose, fade, take out, train on, measure, write."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Unpack

from torch import nn

from archlock.evidence import EvidenceStore
from archlock.execution import resolve_device
from archlock.models import as_classifier
from archlock.progress import Progress, Silent
from archlock.recipes.before_after import ABOUT, PairedAttacks, before_after, in_common_notes, targets_of
from archlock.recipes.compact.config import CompactConfig, CompactSettings
from archlock.recipes.compact.making import CHECKPOINTS, Work, choice_of, made_smaller, steps_of
from archlock.recipes.compact.shrinking import fewer_periods, schedule_of
from archlock.recipes.edited import check_shape, open_edited
from archlock.recipes.edited_base import base_of
from archlock.recipes.given import check_built_anew, open_given
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel
from archlock.recipes.own_task import fitting_own, mode_notes, source_of
from archlock.recipes.settings import one_of, showing
from archlock.recipes.workspace import CARD, REPORT, take_up
from archlock.records import check_writable, write_atomic
from archlock.reports import (
    CompactRecord,
    compact_from_json,
    compact_to_json,
    render_compact,
    render_compact_card,
)
from archlock.tasks import Task, share_of

COMPACT: Final = "compact.json"
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

    ``model`` is anything that ``open_model`` reads, with ``factory`` and ``arguments`` for a file of weights or for a
    module, which they build anew when its file is read (a classifier of transformers says itself what it is);
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
    opened = open_given(model, factory=factory, arguments=arguments)
    task = source_of(model, opened, source, seed=config.seed)
    opened, task = fitting_own(opened, task, why="a model is made smaller")
    opened = replace(opened, shape=opened.shape or task.shape)
    check_shape(task.shape)
    whole = task
    if config.examples is not None:
        task = share_of(task, config.examples, seed=config.seed)
    folder, began = Path(out), time.perf_counter()
    check_writable(folder / REPORT)
    ready = as_classifier(opened.module, task.shape).eval()
    base = opened.base or base_of(
        ready, name=opened.name, blueprint=opened.blueprint, factory=factory, arguments=arguments or {}
    )
    if isinstance(model, nn.Module):
        check_built_anew(opened, ready, base, task.shape, factory=factory, arguments=arguments or {})
    attacked = targets_of(opened, targets, seed=config.seed)
    attacks = replace(attacks or PairedAttacks(), seed=config.seed, device=config.device)
    choice = choice_of(ready, opened.name, task, config)
    schedule = schedule_of(config, steps_of(task, config))
    notes = (*opened.notes, *mode_notes(model, "made smaller"), *fewer_periods(config, schedule))
    common = in_common_notes(whole, attacked)
    for line in (*notes, *common):
        progress.say(line)
    take_up(folder, _identity(opened, task, config))
    if finished := (folder / COMPACT).exists():
        record, smaller = _finished(folder, factory, arguments)
        if not attacked:
            return CompactResult(record, smaller, folder)
    else:
        work = Work(opened, ready, task, config, choice, schedule, base, notes, folder, progress)
        record, smaller = made_smaller(work, factory, arguments)
    if attacked:
        store = EvidenceStore(folder / EVIDENCE)
        met = before_after(
            ready, smaller, attacked, attacks, store=store, names=("as it was", "made smaller"), progress=progress,
            workers=workers,
        )  # fmt: skip
        if finished and met == record.attacks:
            return CompactResult(record, smaller, folder)
        kept = tuple(note for note in record.notes if not note.startswith(ABOUT))
        record = replace(record, attacks=met, notes=(*kept, *common))
    record = replace(record, command=command, spent_seconds={"this run": time.perf_counter() - began})
    compact_to_json(folder / COMPACT, record)
    write_atomic(folder / REPORT, render_compact(record))
    write_atomic(folder / CARD, render_compact_card(record, folder=str(folder)))
    for path in (folder / CHECKPOINTS).glob("*.pt"):
        path.unlink()
    return CompactResult(record, smaller, folder)


def _identity(opened: OpenedModel, task: Task, config: CompactConfig) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    known = run_identity({"model": identify(opened, task.shape)})
    return {"source": task.fingerprint, "compact": config, **known}


def _finished(
    folder: Path, factory: str | None, arguments: Mapping[str, Any] | None
) -> tuple[CompactRecord, nn.Module]:
    model = open_edited(folder, factory=factory, arguments=arguments or {}).module
    return compact_from_json(folder / COMPACT), model
