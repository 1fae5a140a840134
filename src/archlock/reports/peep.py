"""The record of a peep (``peep.json``): what observers of a running model could read of its architecture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from archlock.errors import RunError
from archlock.records import write_json
from archlock.reports.reading import read_record

PEEP_SCHEMA: Final = 1
"""The only schema number this version reads and writes."""
_STUDENT: Final = (math.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Two-sided 95 % points of Student's t by degrees of freedom; 2 from there on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorRecord:
    """One operator of the model, as its owner knows it. No reader is given any of this."""

    kind: str
    """`conv3`, `depthwise`, `norm` and so on."""
    channels: int
    """Of what it makes."""
    kernel: int = 0
    """0 where there is none."""
    stride: int = 1
    """1 where there is none."""
    groups: int = 1
    """Of a convolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRecord:
    """How well the reader reads random networks that it was not taught by."""

    networks: int
    """So many."""
    accuracy: float
    """Share of the operators read rightly, mean over networks."""
    convolutions: float | None
    """The same among convolutions."""
    edit_error: float
    """Mean edit distance over length."""
    skeleton_error: float
    """The same without normalisation, scaling and copies."""
    exact: float
    """Share of the networks read without an error."""
    majority_accuracy: float
    """Of somebody who always says the most frequent kind."""
    majority_error: float
    """The edit error of the same."""
    shuffled_accuracy: float
    """Of the reader on traces in a random order: what order it does not use."""
    training_accuracy: float
    """Of the reader on what it was taught by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRecord:
    """What the first stage says: the family of designs."""

    names: tuple[str, ...]
    """The likeliest first."""
    probabilities: tuple[float, ...]
    """Of each."""
    top1: float
    """Share of the unseen random networks whose family comes first."""
    top3: float
    """Share of those whose family is among the first three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRecord:
    """What was read in one recording of the model."""

    kinds: tuple[str, ...]
    """The operators that were read, in order."""
    accuracy: float
    """Share of the rows of the trace that were read rightly."""
    convolutions: float | None
    """The same among convolutions; null where there is none."""
    edit_error: float
    """Edit distance to the true sequence over its length."""
    skeleton_error: float
    """The same without normalisation, scaling and copies."""
    kernels: float | None
    """Share of the convolutions and poolings whose kernel and stride were read rightly."""
    log_candidates: float
    """Decimal logarithm of the number of networks that are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverRecord:
    """One observer: what they see, and what a reader makes of it."""

    name: str
    """Of the catalog: `service`, `memory`, `timer`, `both`."""
    who: str
    """Who that may be."""
    summary: str
    """What they see."""
    timed: bool
    """Whether a busy machine changes it."""
    repeatability: float | None
    """1 less the median relative spread over recordings in separate processes; null of a single one."""
    family: FamilyRecord
    """First stage."""
    check: CheckRecord | None
    """Second stage on random networks; null of an observer who sees no operators."""
    seen: tuple[SeenRecord, ...] = ()
    """Second stage on each recording of the model."""
    motif: tuple[str, ...] = ()
    """The block that repeats itself in what was read of the first recording."""
    motif_times: int = 0
    """How often it does."""
    motif_is_true: bool = False
    """Whether it is the block of the true sequence."""
    log_all: float = 0.0
    """Decimal logarithm of the number of networks with as many convolutions, for who knows no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthRecord:
    """What the leak is worth: the network that a thief builds from what was read, trained from scratch."""

    observer: str
    """Who read it; empty for the true architecture."""
    task: str
    """On what it was trained."""
    scores: tuple[float, ...]
    """On the test split, of each seed."""
    parameters: int
    """Of the network."""
    problem: str = ""
    """Why there are no scores; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeepRecord:
    """What the execution of a model betrays, and to whom. Born valid (else RunError)."""

    record: Literal["peep"] = "peep"
    """Says which kind of record this is."""
    schema: int = PEEP_SCHEMA
    """Number of this schema."""
    created: str
    """ISO 8601 time."""
    seed: int
    """Root seed."""
    command: str
    """What was typed or called."""
    versions: dict[str, str]
    """Of Python and of the libraries, by name."""
    model: str
    """Name of the model."""
    origin: str
    """Where it was opened from, and how."""
    shape: tuple[int, int, int]
    """Channels, height and width of its images."""
    machine: str
    """On which it ran, in words."""
    reader: str
    """Of the catalog of readers."""
    networks: int
    """Random networks that were recorded, a fifth of which only checks."""
    families: tuple[str, ...]
    """Of these networks."""
    noise: float
    """Deviation of the logarithm of times by which these were disturbed; 0: as they were."""
    operators: tuple[OperatorRecord, ...]
    """The true sequence."""
    family: str
    """The model's own, where it is one of ours; else empty."""
    observers: tuple[ObserverRecord, ...]
    """In the order of the catalog."""
    worth: tuple[WorthRecord, ...] = ()
    """The true architecture first, then what each observer who sees sizes would build; empty without data."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage."""

    def __post_init__(self) -> None:
        if self.schema != PEEP_SCHEMA:
            raise RunError(f"a peep record of this version has schema {PEEP_SCHEMA}; got {self.schema}")
        if not self.operators or not self.observers:
            raise RunError("a peep record has at least one operator and one observer")
        for one in self.observers:
            if bool(one.seen) != (one.check is not None):
                raise RunError(f"{one.name} has a check of its reader and what was read, or neither")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The true sequence of kinds."""
        return tuple(one.kind for one in self.operators)


@dataclass(frozen=True, slots=True)
class Between:
    """A mean over recordings, with its 95 % interval (of one recording, and of equal ones, without width)."""

    mean: float
    low: float
    high: float


def between_recordings(values: Sequence[float]) -> Between:
    """Mean and Student's interval, never below 0."""
    count = len(values)
    mean = sum(values) / count
    if count == 1:
        return Between(mean, mean, mean)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    half = (_STUDENT[count - 1] if count <= len(_STUDENT) else 2.0) * deviation / math.sqrt(count)
    return Between(mean, max(0.0, mean - half), mean + half)


def peep_to_json(path: Path, record: PeepRecord) -> Path:
    """Write the record, whole or not at all."""
    return write_json(path, record)


def peep_from_json(path: Path) -> PeepRecord:
    """Read what :func:`peep_to_json` wrote; a missing, damaged or foreign file raises RunError that names it."""
    return read_record(path, PeepRecord, "peep", PEEP_SCHEMA)
