"""Conceal: fold, search a disguise within a budget of time against readers who know, try it, write it, and judge it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

from torch import nn

from archlock.decoding import decode
from archlock.errors import MeasurementError, UnsupportedError
from archlock.execution import default_workers, one_after_another
from archlock.models import Disguise, Edit, Narrow, as_classifier
from archlock.progress import Progress, Silent
from archlock.recipes.conceal.config import ConcealConfig, ConcealSettings
from archlock.recipes.conceal.hiding import check_same, folded, hidden, images_for
from archlock.recipes.conceal.latency import SURE, Paired, paired_latency
from archlock.recipes.conceal.recording import conceal_record, judged, visible_records
from archlock.recipes.conceal.search import Round, Search, Tried, searched
from archlock.recipes.conceal.visible import SPARED, Visible, check_trainable, visible_network, worth_of_visible
from archlock.recipes.edited import check_shape, open_edited
from archlock.recipes.edited_base import Base, base_of, opened_with
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.own_task import fitting_own, mode_notes
from archlock.recipes.peep.library import Shape, recordings_folder, this_machine
from archlock.recipes.peep.victim import parts_of, victim_of
from archlock.recipes.settings import one_of, showing
from archlock.recipes.storing import stored
from archlock.recipes.task_records import versions
from archlock.recipes.workspace import REPORT, take_up
from archlock.records import check_writable, read_json, write_atomic, write_json
from archlock.reports import (
    ConcealRecord,
    conceal_from_json,
    conceal_to_json,
    render_conceal,
    render_conceal_card,
)
from archlock.tasks import Task

CONCEAL: Final = "conceal.json"
CARD: Final = "conceal.md"
CHOSEN: Final = "chosen.json"
CONFIRMED: Final = 8
"""Disguises that are timed in a fresh process before it is given up."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The disguise that was taken, timed in a fresh process."""

    round: int
    """From 0 on."""
    tried: Tried
    latency: Paired
    visible: tuple[tuple[Tried, Visible], ...] = ()
    """Of the disguises it was chosen from, where visible architectures were trained."""
    original: Visible | None = None
    """The true architecture, trained alike."""


@dataclass(frozen=True, slots=True, eq=False)
class ConcealResult:
    """A hidden model, and what is said of it."""

    record: ConcealRecord
    model: nn.Module
    """The hidden one, in evaluation mode."""
    path: Path
    """Directory with ``edited.json`` and its weights, ``conceal.json``, ``conceal.md`` and the report."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT


@showing(ConcealConfig, ConcealSettings)
def conceal(
    model: str | Path | nn.Module | OpenedModel,
    config: ConcealConfig | None = None,
    *,
    out: str | Path,
    source: Task | str | Path | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    factory: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    recordings_in: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.conceal(...)",
    **settings: Unpack[ConcealSettings],
) -> ConcealResult:
    """Write the same function in a form that is harder to read off its execution; result and report go to ``out``.

    ``model`` is anything that ``open_model`` reads, with ``factory`` and ``arguments`` for a file of weights; ``size``
    (height, width) and ``channels`` are those of its images where it does not say. Settings are those of
    :class:`ConcealConfig`, as a ``config`` or by name: ``conceal("runs/mine", budget=1.5, out="hidden")``. Answers are
    compared on 64 images of the ``source``, on random ones without it, and must be equal within 1e-5 of the largest
    answer before anything is written. Recordings of random networks lie in ``recordings_in`` (by default those of
    ``peep``), a folder for each policy; the same call takes up what was interrupted.

    A model with nothing to hide, one that was narrowed, what ``peep`` refuses, and a budget that nothing keeps raise
    UnsupportedError or MeasurementError; a module that nothing on disk describes raises ConfigurationError.
    """
    config, progress = one_of(config, settings, ConcealConfig.of), progress or Silent()
    opened = _opened(model, factory, arguments, size, channels)
    victim, base = victim_of(opened), _base(opened, factory, arguments)
    check_trainable(source, config.worse)
    task = None if source is None else _fitting(opened, source, config)
    check_shape(victim.shape)
    images, images_from = images_for(task, victim.shape, seed=config.seed)
    original = as_classifier(opened.module, victim.shape).eval()
    given = folded(original, images, opened.name)
    check_same(original, given.model, images)
    folder, began = Path(out), time.perf_counter()
    check_writable(folder / REPORT)
    take_up(folder, _identity(opened, victim.shape, config))
    if (folder / CONCEAL).exists():
        return _finished(folder, factory, arguments)
    notes = (*victim.notes, *mode_notes(model, "hidden"))
    for line in notes:
        progress.say(line)
    parts, spent = parts_of(config.watching), dict[str, float]()
    search = Search(
        original=original,
        given=given,
        shape=victim.shape,
        parts=parts,
        config=config,
        recordings=recordings_folder() if recordings_in is None else Path(recordings_in).expanduser(),
        folder=folder,
        workers=workers or (default_workers() if parts == ("sizes",) else 1),
        progress=progress,
    )
    rounds = searched(search)
    spent["search"] = time.perf_counter() - began
    began = time.perf_counter()
    chosen = _chosen(search, rounds, task)
    made = hidden(given, chosen.tried.plan)
    difference = check_same(original, made, images)
    plan: tuple[Edit, ...] = (*given.folds, *chosen.tried.plan)
    written = stored(folder, opened, made, plan, base, shape=victim.shape, factory=factory, arguments=arguments)
    spent["trying and writing"] = time.perf_counter() - began
    began = time.perf_counter()
    observers, busy = judged(search, victim, made, rounds[chosen.round].policy)
    spent["judging"] = time.perf_counter() - began
    record = conceal_record(
        search,
        victim,
        made,
        rounds,
        chosen_round=chosen.round,
        plan=chosen.tried.plan,
        visible=visible_records(chosen.visible, chosen.original),
        latency=chosen.latency,
        difference=difference,
        images=(len(images), images_from),
        observers=observers,
        notes=(*notes, *busy),
        about={
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command,
            "versions": versions(),
            "machine": this_machine().words,
            "file_bytes": (folder / "edited.safetensors").stat().st_size,
            "opened_with": opened_with(base),
            "spent_seconds": spent,
        },
    )
    conceal_to_json(folder / CONCEAL, record)
    write_atomic(folder / CARD, render_conceal_card(record))
    write_atomic(folder / REPORT, render_conceal(record))
    return ConcealResult(record, written, folder)


def _opened(
    model: str | Path | nn.Module | OpenedModel,
    factory: str | None,
    arguments: Mapping[str, Any] | None,
    size: tuple[int, int] | None,
    channels: int | None,
) -> OpenedModel:
    """The model; one that was narrowed raises UnsupportedError, since disguises are of whole layers."""
    given = dict[str, Any](factory=factory, arguments=arguments, size=size, channels=channels)
    opened = model if isinstance(model, OpenedModel) else open_model(model, **given)
    if any(isinstance(one, Narrow) for one in opened.edits):
        raise UnsupportedError(
            f"{opened.name} was narrowed, and how it is written would not say which part of a layer a disguise is of; "
            "give the model as it was before it was narrowed"
        )
    return opened


def _base(opened: OpenedModel, factory: str | None, arguments: Mapping[str, Any] | None) -> Base:
    return opened.base or base_of(
        opened.module, name=opened.name, blueprint=opened.blueprint, factory=factory, arguments=arguments or {}
    )


def _fitting(opened: OpenedModel, source: Task | str | Path, config: ConcealConfig) -> Task:
    """The source as the model takes it; where it is trained on, its classes must be those of the outputs."""
    task = source if isinstance(source, Task) else opened.read(str(source), seed=config.seed)
    if config.worse > 1:
        return fitting_own(opened, task, why="what is visible is trained")[1]
    return opened.fitting(task)


def _identity(opened: OpenedModel, shape: Shape, config: ConcealConfig) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    return {
        "conceal": config,
        "machine": this_machine().fingerprint,
        **run_identity({"model": identify(opened, shape)}),
    }


def _chosen(search: Search, rounds: Sequence[Round], task: Task | None) -> Chosen:
    """The disguise that is taken, written down."""
    path = search.folder / CHOSEN
    if not path.exists():
        confirmed = _confirmed(search, rounds)
        write_json(path, confirmed[0] if task is None or len(confirmed) < 2 else _worst(search, confirmed, task))
    return decode(Chosen, read_json(path), where=str(path))


def _worst(search: Search, confirmed: Sequence[Chosen], task: Task) -> Chosen:
    """Of these the one whose visible architecture trains worst, among those that are hidden nearly as well."""
    hiding = [one for one in confirmed if one.tried.worst >= SPARED * confirmed[0].tried.worst]
    networks = [visible_network(hidden(search.given, one.tried.plan)) for one in hiding]
    seed, progress = search.config.seed, search.progress
    true, *found = worth_of_visible(
        [search.original, *networks], task, folder=search.folder, seed=seed, progress=progress
    )
    scores = [float("inf") if one.score is None else one.score for one in found]
    worst = hiding[scores.index(min(scores))]
    pairs = tuple((one.tried, visible) for one, visible in zip(hiding, found, strict=True))
    return replace(worst, visible=pairs, original=true)


def _confirmed(search: Search, rounds: Sequence[Round]) -> list[Chosen]:
    """As many as are asked for of those that the readers of their round read worst, which keep the budget in a fresh
    process, too; where none does, the best with every other of its disguises, and so on down to folding alone."""
    every = [(number, one) for number, found in enumerate(rounds) for one in found.tried]
    every.sort(key=lambda pair: -pair[1].worst)
    most = CONFIRMED + search.config.worse - 1
    search.progress.begin("latency in a fresh process", min(most, len(every)))
    ratios, found = [], list[Chosen]()
    for number, one in every[:most]:
        latency = _timed_afresh(search, one.plan)
        search.progress.advance(1, f"{latency.ratio:.2f} times as slow")
        if latency.ratio <= search.config.budget:
            found.append(Chosen(number, one, latency))
        else:
            ratios.append(latency.ratio)
        if len(found) == search.config.worse:
            break
    number, best = every[0]
    plan = best.plan
    while not found and plan:
        plan = plan[1::2]
        latency = _timed_afresh(search, plan)
        ratios.append(latency.ratio)
        if latency.ratio <= search.config.budget:
            search.progress.say("the best disguise is too slow in a fresh process, and was thinned")
            found.append(Chosen(number, Tried(plan, latency.ratio), latency))
    if found:
        return found
    raise MeasurementError(
        f"no disguise keeps the budget of {search.config.budget:g}x in a fresh process, nor does folding alone "
        f"({', '.join(f'{ratio:.2f}' for ratio in ratios)} times as slow): the machine is busy; start the same command "
        "again when nothing else runs, or give a larger --budget"
    )


def _timed_afresh(search: Search, plan: Sequence[Disguise]) -> Paired:
    shared = (search.original, hidden(search.given, plan), search.shape)
    (latency,) = one_after_another(_timed, shared, [0])
    return latency


def _timed(shared: tuple[nn.Module, nn.Module, Shape], _: int) -> Paired:
    original, made, shape = shared
    return paired_latency(original, made, shape, calls=SURE)


def _finished(folder: Path, factory: str | None, arguments: Mapping[str, Any] | None) -> ConcealResult:
    """What an earlier call made."""
    found = open_edited(folder, factory=factory, arguments=arguments or {})
    return ConcealResult(conceal_from_json(folder / CONCEAL), found.module, folder)
