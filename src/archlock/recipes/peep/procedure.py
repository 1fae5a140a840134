"""Peep: record a model as observers see it, teach readers on random networks recorded alike, read, and say how well."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
from torch import nn

from archlock.execution import default_workers
from archlock.leaks import (
    CONVOLUTIONS,
    GENERATORS,
    OBSERVERS,
    READERS,
    FamilyReader,
    Lesson,
    Observation,
    Observer,
    Reading,
    check,
    check_families,
    judge,
    log_all,
    log_candidates,
    motif_of,
    write_trace,
)
from archlock.progress import Progress, Silent
from archlock.recipes.model_identity import identify, run_identity
from archlock.recipes.opening import OpenedModel
from archlock.recipes.peep.config import PeepConfig, PeepSettings
from archlock.recipes.peep.library import NOISY, Recorded, recorded_networks, recordings_folder, this_machine
from archlock.recipes.peep.victim import (
    BUSY_REPEATABILITY,
    Victim,
    parts_of,
    recordings_of,
    repeatability,
    victim_of,
)
from archlock.recipes.peep.worth import worth_of
from archlock.recipes.settings import one_of, showing
from archlock.recipes.task_records import versions
from archlock.recipes.workspace import REPORT, take_up
from archlock.records import check_writable, write_atomic
from archlock.reports import (
    CheckRecord,
    FamilyRecord,
    ObserverRecord,
    OperatorRecord,
    PeepRecord,
    SeenRecord,
    peep_to_json,
    render_peep,
    render_peep_card,
)
from archlock.seeding import derive_seed, rng_for
from archlock.tasks import Task

PEEP: Final = "peep.json"
CARD: Final = "peep.md"
CHECKING: Final = 5
"""Every fifth network only checks."""


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
    progress.begin("observers", len(config.chosen))
    observers, read = [], dict[str, tuple[Reading, Observation]]()
    for name in config.chosen:
        observer = OBSERVERS[name]
        seen = [_disturbed(observer.observe(one), config, name, number) for number, one in enumerate(recordings)]
        found, reading = _observed(observer, victim, seen, networks, config)
        observers.append(found)
        if reading is not None and observer.memory:
            read[name] = reading, seen[0]
        if observer.sees_operators:
            write_trace(folder / f"trace-{name}.jsonl", seen[0])
        progress.advance(1, name)
    spent["readers"] = time.perf_counter() - began
    record = _record(victim, networks, tuple(observers), config, machine.words)
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


def _disturbed(observation: Observation, config: PeepConfig, *labels: str | int) -> Observation:
    """With the simulated noise of the settings on every time."""
    if not config.noise:
        return observation

    def noisy(column: str) -> tuple[float, ...]:
        values = getattr(observation, column)
        rng = rng_for(config.seed, "noise", column, *labels)
        return tuple((np.array(values) * np.exp(config.noise * rng.standard_normal(len(values)))).tolist())

    return replace(observation, seconds=noisy("seconds"), latencies=noisy("latencies"))


def _observed(
    observer: Observer,
    victim: Victim,
    seen: Sequence[Observation],
    networks: Sequence[Recorded],
    config: PeepConfig,
) -> tuple[ObserverRecord, Reading | None]:
    """Teach and check readers for one observer, have the recordings of the model read; with the first reading."""
    name, seed = observer.name, derive_seed(config.seed, "reader", observer.name)
    every = [
        _disturbed(observer.observe(one.recording), config, name, "random", number)
        for number, one in enumerate(networks)
    ]
    numbers = range(len(networks))
    taught, unseen = [n for n in numbers if not _checks(n)], [n for n in numbers if _checks(n)]
    families = FamilyReader([every[n] for n in taught], [networks[n].family for n in taught], seed=seed)
    ranked = families.rank(seen[0])
    top = check_families(families, [every[n] for n in unseen], [networks[n].family for n in unseen])
    found = ObserverRecord(
        name=name,
        who=observer.who,
        summary=observer.summary,
        timed=observer.timed,
        repeatability=repeatability(seen) if observer.timed else 1.0,
        family=FamilyRecord(
            names=tuple(one.family for one in ranked),
            probabilities=tuple(one.probability for one in ranked),
            top1=top[0],
            top3=top[1],
        ),
        check=None,
    )
    if not observer.sees_operators:
        return found, None
    lessons = [Lesson(every[n], networks[n].operators, observer.visible(networks[n].recording.sizes)) for n in numbers]
    reader = READERS[config.reader].fit([lessons[n] for n in taught], seed=seed)
    checked = check(reader, [lessons[n] for n in taught], [lessons[n] for n in unseen], seed=seed)
    rows = observer.visible(victim.sizes)
    readings = [reader.read(one) for one in seen]
    judged = [judge(reading, Lesson(one, victim.operators, rows)) for reading, one in zip(readings, seen, strict=True)]
    widths = {one.channels for n in taught for one in networks[n].operators if one.kind in CONVOLUTIONS}
    motif = motif_of(readings[0].kinds)
    found = replace(
        found,
        check=CheckRecord(**asdict(checked), training_accuracy=reader.training_accuracy),
        seen=tuple(
            SeenRecord(
                kinds=reading.kinds,
                **asdict(one),
                log_candidates=log_candidates(reading, widths, sees_sizes=observer.memory),
            )
            for reading, one in zip(readings, judged, strict=True)
        ),
        motif=motif.kinds,
        motif_times=motif.times,
        motif_is_true=motif.kinds == motif_of(tuple(one.kind for one in victim.operators)).kinds,
        log_all=log_all(sum(one.kind in CONVOLUTIONS for one in victim.operators), widths),
    )
    return found, readings[0]


def _checks(number: int) -> bool:
    """Whether a network only checks: every fifth of each family, since families take turns."""
    return number // len(GENERATORS) % CHECKING == CHECKING - 1


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
