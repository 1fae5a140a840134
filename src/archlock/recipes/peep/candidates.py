"""Which of a few models is running: candidates and suspect observed alike on this machine."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from torch import nn

from archlock.errors import ConfigurationError
from archlock.leaks import OBSERVERS, Observation, Recording, identify, observer_of_trace, read_trace, self_check
from archlock.progress import Progress, Silent
from archlock.recipes.checking import check_whole
from archlock.recipes.model_identity import identify as identity_of
from archlock.recipes.opening import OpenedModel
from archlock.recipes.peep.config import check_observers
from archlock.recipes.peep.library import this_machine
from archlock.recipes.peep.victim import BUSY_REPEATABILITY, Victim, parts_of, recordings_of, repeatability, victim_of
from archlock.recipes.task_records import versions
from archlock.recipes.workspace import REPORT, take_up
from archlock.records import check_writable, fingerprint, write_atomic
from archlock.reports import (
    CandidatesRecord,
    CandidatesSeen,
    NearRecord,
    candidates_to_json,
    render_candidates,
    render_candidates_card,
)

CANDIDATES: Final = "candidates.json"
RECORDINGS: Final = 5
FEWEST: Final = 3
"""Recordings of a candidate: one is left out, and two are left to compare."""

Model = str | Path | nn.Module | OpenedModel


@dataclass(frozen=True, slots=True, eq=False)
class CandidatesResult:
    """Which of them it is."""

    record: CandidatesRecord
    path: Path
    """Directory with ``candidates.json`` and the report."""

    @property
    def page(self) -> Path:
        """The report."""
        return self.path / REPORT


def which_is_running(
    candidates: Mapping[str, Model],
    suspect: Model,
    *,
    out: str | Path,
    observers: tuple[str, ...] = (),
    recordings: int = RECORDINGS,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.which_is_running(...)",
) -> CandidatesResult:
    """Say which of the candidates (by name) the suspect is, or that it is none of these.

    The suspect is a model, which is recorded here, or the path of a trace (``.jsonl``, see ``docs/how-to/peep.md``),
    which must have been recorded on this machine. Candidates of the same operators betray the same and are one. Every
    model is recorded ``recordings`` times, each in a process of its own; the same call takes up what was interrupted.
    """
    progress = progress or Silent()
    check_observers(observers)
    check_whole(FEWEST, recordings=recordings)
    if not candidates:
        raise ConfigurationError("there are no candidates; name at least one, as in --candidates a/")
    trace = _trace(suspect)
    chosen = _chosen(observers, trace)
    known = {name: victim_of(model, size=size, channels=channels) for name, model in candidates.items()}
    groups = _groups(known)
    unknown = victim_of(suspect, size=size, channels=channels) if trace is None else None
    folder = Path(out)
    check_writable(folder / REPORT)
    take_up(folder, _identity(known, unknown, trace, chosen, recordings))
    began, parts = time.perf_counter(), parts_of(chosen)
    recorded: dict[str, Sequence[Recording]] = {}
    for number, (name, names) in enumerate(groups.items()):
        place = folder / f"candidate-{number:03d}"
        victim = known[names[0]]
        recorded[name] = recordings_of(victim, parts, count=recordings, folder=place, progress=progress)
    asked: Sequence[Recording] = ()
    if unknown is not None:
        asked = recordings_of(unknown, parts, count=recordings, folder=folder / "suspect", progress=progress)
    seen = tuple(_seen(name, recorded, asked, trace) for name in chosen)
    record = CandidatesRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        versions=versions(),
        machine=this_machine().words,
        suspect=unknown.opened.name if unknown is not None else str(trace),
        candidates=tuple(groups),
        recordings=recordings,
        observers=seen,
        notes=_notes(known, groups, unknown, seen),
        spent_seconds={"this run": time.perf_counter() - began},
    )
    candidates_to_json(folder / CANDIDATES, record)
    write_atomic(folder / "candidates.md", render_candidates_card(record))
    write_atomic(folder / REPORT, render_candidates(record))
    return CandidatesResult(record, folder)


def _trace(suspect: Model) -> Path | None:
    """The path of a trace; None for a model."""
    if isinstance(suspect, str | Path) and Path(suspect).suffix == ".jsonl":
        return Path(suspect).expanduser()
    return None


def _chosen(observers: tuple[str, ...], trace: Path | None) -> tuple[str, ...]:
    """The observers in the order of the catalog; a trace is of one."""
    if trace is None:
        return tuple(name for name in OBSERVERS if not observers or name in observers)
    own = observer_of_trace(trace)
    if observers not in ((), (own,)):
        raise ConfigurationError(f"{trace} is a trace of the observer {own}; leave out --observer, or name that one")
    return (own,)


def _groups(known: Mapping[str, Victim]) -> dict[str, tuple[str, ...]]:
    """Names of candidates that compute the same operators on the same sizes, under all of their names."""
    by_trace: dict[str, list[str]] = {}
    for name, victim in known.items():
        by_trace.setdefault(fingerprint([victim.operators, victim.sizes, victim.shape]), []).append(name)
    return {" = ".join(names): tuple(names) for names in by_trace.values()}


def _identity(
    known: Mapping[str, Victim], unknown: Victim | None, trace: Path | None, chosen: tuple[str, ...], recordings: int
) -> dict[str, Any]:
    models = {**known, **({"the suspect": unknown} if unknown is not None else {})}
    return {
        "models": {name: [one.opened.name, identity_of(one.opened, one.shape).weights] for name, one in models.items()},
        "trace": hashlib.sha256(trace.read_bytes()).hexdigest()[:16] if trace is not None else "",
        "observers": chosen,
        "recordings": recordings,
        "machine": this_machine().fingerprint,
    }


def _seen(
    name: str, recorded: Mapping[str, Sequence[Recording]], asked: Sequence[Recording], trace: Path | None
) -> CandidatesSeen:
    observer = OBSERVERS[name]
    known = {one: [observer.observe(r) for r in recordings] for one, recordings in recorded.items()}
    suspect: list[Observation] = [observer.observe(r) for r in asked]
    if trace is not None:
        suspect = [read_trace(trace, observer)]
    found, checked = identify(suspect, known), self_check(known)
    repeats = [repeatability(one) for one in (*known.values(), *([suspect] if asked else []))] if observer.timed else []
    return CandidatesSeen(
        name=name,
        who=observer.who,
        ranking=tuple(NearRecord(name=near.name, distance=near.distance) for near in found.ranking),
        limit=found.limit,
        separated=found.separated,
        found=found.name,
        top1=checked.top1,
        top3=checked.top3,
        strangers=checked.strangers,
        repeatability=min((one for one in repeats if one is not None), default=1.0),
    )


def _notes(
    known: Mapping[str, Victim],
    groups: Mapping[str, tuple[str, ...]],
    unknown: Victim | None,
    seen: Sequence[CandidatesSeen],
) -> tuple[str, ...]:
    same = [
        f"{' and '.join(names)} compute the same operators: nothing that is observed tells them apart, and they are one"
        for names in groups.values()
        if len(names) > 1
    ]
    shapes = {one.shape for one in (*known.values(), *([unknown] if unknown else []))}
    sizes = ["the models take images of different sizes, each was given its own"] if len(shapes) > 1 else []
    busy = [one.name for one in seen if one.repeatability < BUSY_REPEATABILITY]
    said = [f"the machine was busy: recordings repeat too little for {', '.join(busy)}"] if busy else []
    return tuple(dict.fromkeys((*same, *(note for one in known.values() for note in one.notes), *sizes, *said)))


def candidates_named(texts: Sequence[str]) -> dict[str, str]:
    """Models of the command line under their own texts; one that comes twice raises ConfigurationError."""
    twice = sorted({text for text in texts if list(texts).count(text) > 1})
    if twice:
        raise ConfigurationError(f"the candidate {twice[0]} is named twice; name each once")
    return {text: text for text in texts}
