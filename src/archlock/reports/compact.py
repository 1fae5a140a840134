"""The record of a compaction (``compact.json``): what went, what is left, what it costs and what it keeps."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from archlock.errors import RunError
from archlock.records import write_json
from archlock.reports.before_after import BeforeAfterRecord
from archlock.reports.reading import read_record
from archlock.reports.record_parts import TaskRecord
from archlock.reports.shares import Share, wilson

COMPACT_SCHEMA: Final = 1
"""The only schema number this version reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowedGroup:
    """What became of units that sit in the same layers."""

    name: str
    """Of the first layer that makes them."""
    kind: str
    """`channels`, or `heads` of an attention."""
    units: int
    """Before."""
    kept: int
    """After."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """A smaller network, of the same scores, that was not trained."""

    kept: int
    """Units of all groups."""
    parameters: int
    """Of the network."""
    score: float
    """On validation images, with the statistics of batch normalisations taken anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """How the network stood when a period was over, in which units faded."""

    kept: int
    """Units that were left."""
    score: float
    """On validation images, with the statistics of batch normalisations taken anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One training, at one learning rate. Validation chooses among them."""

    rate: float
    """Peak."""
    validation: float | None
    """Score of the smaller network after it; None where it diverged."""
    curve: tuple[float, ...] = ()
    """Validation scores of the smaller network after each epoch."""
    losses: tuple[float, ...] = ()
    """Mean training loss of each epoch, those in which units faded first."""
    note: str = ""
    """Why there is no score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactSize:
    """What a network costs."""

    parameters: int
    """Numbers that are trained."""
    macs: int
    """Multiply-adds of convolutions and linear layers for one image."""
    weights_bytes: int
    """Of the file of weights, in single precision."""
    latency_ms: float
    """Of one image, on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactRecord:
    """A model, and the smaller one that was made of it. Born valid (else RunError)."""

    record: Literal["compact"] = "compact"
    """Says which kind of record this is."""
    schema: int = COMPACT_SCHEMA
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
    opened_with: str = ""
    """What must be said besides the folder to open the smaller one: `--module ...` of a stranger's module."""
    source: TaskRecord
    """The task that it was trained for."""
    method: str
    """`hesso`, `hesso-cric`, `magnitude` or `taylor`."""
    paper: str
    """Whose method it is."""
    summary: str
    """What it does, in a few words that follow its name."""
    asked: float
    """Share that was to be kept."""
    cost: Literal["groups", "parameters", "macs"]
    """Of what."""
    divisible: int
    """Every group keeps a multiple of so many."""
    groups: tuple[NarrowedGroup, ...]
    """Those that could be narrowed, in the order of use."""
    left_alone: tuple[str, ...]
    """What stays of every layer, and why, in sentences."""
    before: CompactSize
    """The model."""
    after: CompactSize
    """The smaller one."""
    timed_in: str
    """Where both latencies were taken."""
    difference: float
    """Of answers when what is zero was taken out, as a share of how far answers are apart from image to image."""
    validation: tuple[float, float]
    """Scores on the validation split, before and after: by these everything was decided."""
    test: tuple[float, float]
    """Scores on the test split, before and after: taken once, when everything was decided."""
    rate: float
    """The learning rate that was chosen."""
    epochs: tuple[int, int]
    """In which units faded, and in which what was left trained on."""
    periods: int
    """In which units faded; 0: all went before the training."""
    pruning_steps: int
    """Of training, in which units faded."""
    steps: int
    """Of training in all, those included that corrective cycles undid."""
    cycles: int
    """Corrective ones."""
    curve: tuple[CurvePoint, ...]
    """Without training."""
    path: tuple[PathPoint, ...]
    """While units faded."""
    trials: tuple[TrialRecord, ...]
    """One a learning rate."""
    looked_on: int
    """Validation images of curve and path."""
    attacks: BeforeAfterRecord | None = None
    """The same attackers on both; None: no target was given."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage."""

    def __post_init__(self) -> None:
        if self.schema != COMPACT_SCHEMA:
            raise RunError(f"a compaction record of this version has schema {COMPACT_SCHEMA}; got {self.schema}")
        if not self.groups or not self.trials:
            raise RunError("a compaction record has at least one group and one training")
        for one in self.groups:
            if not 1 <= one.kept <= one.units:
                raise RunError(f"group {one.name} keeps 1 to {one.units} units; got {one.kept}")

    @property
    def units(self) -> tuple[int, int]:
        """Of all groups, before and after."""
        return sum(one.units for one in self.groups), sum(one.kept for one in self.groups)

    @property
    def kept(self) -> float:
        """Share of what was asked for that is left."""
        if self.cost == "groups":
            return self.units[1] / self.units[0]
        sizes = (self.before, self.after)
        before, after = (one.parameters if self.cost == "parameters" else one.macs for one in sizes)
        return after / before

    @property
    def shares(self) -> tuple[Share, Share]:
        """Test accuracy before and after, with intervals over images."""
        count = self.source.examples.get("test", 0)
        before, after = (wilson(round(one * count), count) for one in self.test)
        return before, after


def compact_to_json(path: Path, record: CompactRecord) -> Path:
    """Write the record, whole or not at all."""
    return write_json(path, record)


def compact_from_json(path: Path) -> CompactRecord:
    """Read what :func:`compact_to_json` wrote; a missing, damaged or foreign file raises RunError that names it."""
    return read_record(path, CompactRecord, "compact", COMPACT_SCHEMA)
