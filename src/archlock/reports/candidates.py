"""The record of a closed set (``candidates.json``): which of a few models is running, and its page, card and lines."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from archlock.errors import RunError
from archlock.records import write_json
from archlock.reports.reading import read_record
from archlock.reports.templating import fill
from archlock.reports.wording import day, number, percent, plural, shorten

CANDIDATES_SCHEMA: Final = 1
"""The only schema number this version reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearRecord:
    """A candidate, and how far the suspect is from it."""

    name: str
    """As it was given; of candidates that are one, all names."""
    distance: float
    """Mean of the absolute logarithms (base 2) of ratios of what was observed; traces of other lengths above 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesSeen:
    """What one observer says."""

    name: str
    """Of the catalog: `service`, `memory`, `timer`, `both`."""
    who: str
    """Who that may be."""
    ranking: tuple[NearRecord, ...]
    """The nearest first."""
    limit: float
    """A suspect that is farther is none of these."""
    separated: bool
    """Whether candidates are farther from each other than from themselves."""
    found: str
    """The candidate that it is; empty for none of these."""
    top1: float
    """Share of the candidates' own recordings that are nearest to their candidate, each left out in turn."""
    top3: float
    """Share of those whose candidate is among the nearest three."""
    strangers: float | None
    """Share of them called none of these when their candidate is left out; null with fewer than three candidates."""
    repeatability: float
    """1 less the median relative spread over recordings, the least of all models; 1 where no clock is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatesRecord:
    """Which of a few models is running. Born valid (else RunError)."""

    record: Literal["candidates"] = "candidates"
    """Says which kind of record this is."""
    schema: int = CANDIDATES_SCHEMA
    """Number of this schema."""
    created: str
    """ISO 8601 time."""
    command: str
    """What was typed or called."""
    versions: dict[str, str]
    """Of Python and of the libraries, by name."""
    machine: str
    """On which all of them ran, in words."""
    suspect: str
    """What is asked about."""
    candidates: tuple[str, ...]
    """By name."""
    recordings: int
    """Of each model, in a process of its own each."""
    observers: tuple[CandidatesSeen, ...]
    """In the order of the catalog."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage."""

    def __post_init__(self) -> None:
        if self.schema != CANDIDATES_SCHEMA:
            raise RunError(f"a candidates record of this version has schema {CANDIDATES_SCHEMA}; got {self.schema}")
        if not self.candidates or not self.observers or not all(one.ranking for one in self.observers):
            raise RunError("a candidates record has at least one candidate and one observer that ranks them")


def candidates_to_json(path: Path, record: CandidatesRecord) -> Path:
    """Write the record, whole or not at all."""
    return write_json(path, record)


def candidates_from_json(path: Path) -> CandidatesRecord:
    """Read what :func:`candidates_to_json` wrote; what is none raises RunError that names it."""
    return read_record(path, CandidatesRecord, "candidates", CANDIDATES_SCHEMA)


def candidates_sentence(one: CandidatesSeen) -> str:
    """What one observer says, in a sentence."""
    nearest = one.ranking[0]
    away = f"distance {number(nearest.distance, 3)}, limit {number(one.limit, 3)}"
    sure = "" if one.separated else "; the candidates are hardly farther from each other than from themselves"
    if one.found:
        return f"it is {one.found} ({away}{sure})"
    return f"it is none of these; the nearest is {nearest.name} ({away}{sure})"


def candidates_lines(record: CandidatesRecord) -> str:
    """Lines for the terminal."""
    lines = [f"{record.suspect} against {plural(len(record.candidates), 'candidate')}:"]
    for one in record.observers:
        strangers = "-" if one.strangers is None else percent(one.strangers)
        lines.append(f"{one.name:<9}{candidates_sentence(one)}")
        lines.append(
            f"{'':<9}on the candidates' own recordings: right {percent(one.top1)}, among three {percent(one.top3)}, "
            f"strangers called none of these {strangers}"
        )
    return "\n".join(lines)


def render_candidates_card(record: CandidatesRecord) -> str:
    """The same in Markdown."""
    rows = [f"* **{one.name}** ({one.who}): {candidates_sentence(one)}" for one in record.observers]
    notes = [f"* {note}" for note in record.notes]
    head = [f"# Which of them is {record.suspect}?", "", f"{day(record.created)}, {record.machine}.", ""]
    return "\n".join([*head, *rows, *(["", *notes] if notes else []), "", f"    {record.command}", ""])


def render_candidates(record: CandidatesRecord) -> str:
    """The page. The same record gives the same bytes."""
    return fill(
        "candidates.html",
        filters={"day": day, "number": number, "percent": percent, "plural": plural, "shorten": shorten},
        plots={},
        record=record,
        rows=[(one, candidates_sentence(one)) for one in record.observers],
    )
