"""Peep: record a model as observers see it, teach readers on random networks recorded alike, read, and say how well."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

from torch import nn

from archlock.execution import default_workers
from archlock.leaks import OBSERVERS, write_trace
from archlock.progress import Progress, Silent
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel
from archlock.recipes.peep.config import PeepConfig, PeepSettings
from archlock.recipes.peep.library import NOISY, Recorded, recorded_networks, recordings_folder, this_machine
from archlock.recipes.peep.observing import Recordings, all_observed
from archlock.recipes.peep.victim import BUSY_REPEATABILITY, Victim, parts_of, recordings_of, victim_of
from archlock.recipes.peep.worth import worth_of
from archlock.recipes.settings import one_of, showing
from archlock.recipes.task_records import versions
from archlock.recipes.workspace import REPORT, take_up
from archlock.records import check_writable, write_atomic
from archlock.reports import (
    ObserverRecord,
    OperatorRecord,
    PeepRecord,
    peep_to_json,
    render_peep,
    render_peep_card,
)
from archlock.tasks import Task

PEEP: Final = "peep.json"
CARD: Final = "peep.md"


@dataclass(frozen=True, slots=True, eq=False)
class PeepResult:
    """What a running model betrays."""

    record: PeepRecord
    path: Path
    """Directory with ``peep.json``, the report, and the traces of the model."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT


@showing(PeepConfig, PeepSettings)
def peep(
    model: str | Path | nn.Module | OpenedModel,
    config: PeepConfig | None = None,
    *,
    out: str | Path,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    source: Task | str | Path | None = None,
    recordings_in: str | Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.peep(...)",
    **settings: Unpack[PeepSettings],
) -> PeepResult:
    """Say what the execution of a model betrays of its architecture, and to which observer.

    ``model`` is anything that ``open_model`` reads, or a module; ``size`` (height, width) and ``channels`` are those of
    its images where it does not say. Settings are those of :class:`PeepConfig`, as a ``config`` or by name. With a
    ``source`` (a task, or what names one) the network that a thief would build from what was read is trained on it from
    scratch, beside the true architecture. Recordings of random networks lie in ``recordings_in`` (by default the user's
    cache, a folder for each machine) and serve all later calls of the same size; the same call takes up what was
    interrupted.

    A model that cannot run at the size, one whose operators depend on the image, transformers and quantised models
    raise UnsupportedError; recordings of another machine RunError.
    """
    config, progress = one_of(config, settings, PeepConfig.of), progress or Silent()
    victim = victim_of(model, size=size, channels=channels)
    folder, machine = Path(out), this_machine()
    check_writable(folder / REPORT)
    take_up(folder, _identity(victim, config, machine.fingerprint))
    for line in victim.notes:
        progress.say(line)
    spent, began = {}, time.perf_counter()
    parts = parts_of(config.chosen)
    recordings = recordings_of(victim, parts, count=config.recordings, folder=folder, progress=progress)
    spent["recording the model"] = time.perf_counter() - began
    began = time.perf_counter()
    networks = recorded_networks(
        recordings_folder() if recordings_in is None else Path(recordings_in).expanduser(),
        victim.shape,
        parts,
        networks=config.networks,
        seed=config.seed,
        workers=workers or (default_workers() if parts == ("sizes",) else 1),
        progress=progress,
    )
    spent["recording random networks"] = time.perf_counter() - began
    began = time.perf_counter()
    observed = all_observed(
        Recordings(victim.operators, victim.sizes, recordings, networks, config),
        workers=workers or default_workers(),
        progress=progress,
    )
    for name, one in observed.items():
        if OBSERVERS[name].sees_operators:
            write_trace(folder / f"trace-{name}.jsonl", one.seen)
    observers = tuple(one.record for one in observed.values())
    read = {
        name: (one.reading, one.seen)
        for name, one in observed.items()
        if one.reading is not None and OBSERVERS[name].memory
    }
    spent["readers"] = time.perf_counter() - began
    record = _record(victim, networks, observers, config, machine.words)
    if source is not None:
        began = time.perf_counter()
        worth = worth_of(victim, read, source, folder=folder, seed=config.seed, workers=workers, progress=progress)
        record = replace(record, worth=worth)
        spent["training what was read"] = time.perf_counter() - began
    record = replace(record, command=command, spent_seconds=spent)
    peep_to_json(folder / PEEP, record)
    write_atomic(folder / CARD, render_peep_card(record))
    write_atomic(folder / REPORT, render_peep(record))
    return PeepResult(record, folder)


def _identity(victim: Victim, config: PeepConfig, machine: str) -> dict[str, Any]:
    """What must be the same for the same call to take a run up."""
    return {"peep": config, "machine": machine, **run_identity({"model": identify(victim.opened, victim.shape)})}


def _record(
    victim: Victim,
    networks: Sequence[Recorded],
    observers: tuple[ObserverRecord, ...],
    config: PeepConfig,
    machine: str,
) -> PeepRecord:
    return PeepRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=config.seed,
        command="",
        versions=versions(),
        model=victim.opened.name,
        origin=victim.opened.origin,
        shape=victim.shape,
        machine=machine,
        reader=config.reader,
        networks=config.networks,
        families=tuple(dict.fromkeys(one.family for one in networks)),
        noise=config.noise,
        operators=tuple(OperatorRecord(**asdict(one)) for one in victim.operators),
        family=victim.family,
        observers=observers,
        notes=(*victim.notes, *_busy(networks, observers)),
    )


def _busy(networks: Sequence[Recorded], observers: Sequence[ObserverRecord]) -> tuple[str, ...]:
    """What is said of a busy machine."""
    said = []
    noisy = sum(one.spread > NOISY for one in networks)
    if noisy:
        said.append(
            f"the machine was busy while {noisy} of {len(networks)} random networks were recorded (halves of the "
            f"passes disagree by more than {NOISY:.0%}), so readers of times are worse than they could be; delete the "
            "recordings and record again when nothing else runs"
        )
    unsure = [
        f"{one.name} {one.repeatability:.2f}"
        for one in observers
        if one.repeatability is not None and one.repeatability < BUSY_REPEATABILITY
    ]
    if unsure:
        said.append(
            f"the machine was busy: recordings of the model in separate processes repeat too little "
            f"({', '.join(unsure)}; 1 is exactly, expected {BUSY_REPEATABILITY}), so these observers are not judged"
        )
    return tuple(said)
