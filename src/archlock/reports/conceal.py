"""The record of a concealment (``conceal.json``): what was done to a model, what it costs, and who is misled by it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from archlock.errors import RunError
from archlock.records import write_json
from archlock.reports.reading import read_record

CONCEAL_SCHEMA: Final = 1
"""The only schema number this version reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrickRecord:
    """One thing that was done to a convolution."""

    manoeuvre: str
    """`group`, `kernel`, `branch`, `deepen`, `dummy`."""
    amount: int
    """Parts, channels of a group, times."""
    of: str
    """Of what: `outputs` or `inputs`, which identity; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisguiseRecord:
    """What was done to one convolution, in order."""

    layer: str
    """Its name in the model as it was opened."""
    tricks: tuple[TrickRecord, ...]
    """In their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRecord:
    """Both models timed in turn in a process of its own; medians of the CPU time of one thread."""

    original_ms: float
    """Milliseconds of a call with one image, of the model as it was given."""
    hidden_ms: float
    """Of the hidden model."""
    budget: float
    """How many times as slow it may be."""

    @property
    def ratio(self) -> float:
        """How many times as slow the hidden model is."""
        return self.hidden_ms / self.original_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecord:
    """One round of the search."""

    tried: int
    """Disguises of the model that keep the budget and were read."""
    too_slow: int
    """Disguises that do not keep it."""
    best: tuple[float, ...]
    """Skeleton error of the best of them, of each observer's reader of the round; too good, since chosen by it."""
    middle: tuple[float, ...]
    """Median over the disguises."""
    unseen: tuple[float, ...]
    """Of random networks in disguise by the same policy that the reader was not taught by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleRecord:
    """An architecture as it is seen, trained shortly on the source from scratch: one training."""

    skeleton_error: float
    """Of the reader of its round; 0 for the true architecture."""
    ratio: float
    """How many times as slow it is, as measured in the search."""
    score: float | None
    """On the validation split; null where the training diverged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRecord:
    """How one reader reads the recordings of one model, and random networks that it was not taught by."""

    skeleton_errors: tuple[float, ...]
    """Of each recording."""
    edit_errors: tuple[float, ...]
    """With normalisation, scaling, copies and decoys."""
    unseen: float
    """Mean skeleton error over random networks (in disguise where the model is) that no reader was taught by."""
    training_accuracy: float
    """Of the reader on what it was taught by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenFrom:
    """One observer: what they read before, and after with a reader that does not know and one that does."""

    name: str
    """Of the catalog: `memory`, `timer`, `both`."""
    who: str
    """Who that may be."""
    simulated: bool
    """Whether what they see of memory is simulated (`arena`)."""
    before: ReadRecord
    """Nothing done: the model as it was given, by a reader of ordinary networks."""
    naive: ReadRecord
    """The hidden model, by the same reader."""
    taught: ReadRecord
    """The hidden model, by a reader that was taught anew on networks that were disguised by the same policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcealRecord:
    """What was hidden, from whom, and at what price. Born valid (else RunError)."""

    record: Literal["conceal"] = "conceal"
    """Says which kind of record this is."""
    schema: int = CONCEAL_SCHEMA
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
    """Random networks for each reader, a fifth of which only checks."""
    manoeuvres: tuple[str, ...]
    """That were allowed."""
    folded: int
    """Normalisations that became part of the layers before them."""
    convolutions: int
    """Convolutions that could be disguised."""
    plan: tuple[DisguiseRecord, ...]
    """What was done, by convolution."""
    speed: SpeedRecord
    """What it costs in time."""
    parameters: tuple[int, int]
    """Numbers in the model before and after."""
    file_bytes: int
    """Of the weights that were written."""
    difference: float
    """Largest difference of an answer, as a share of the largest answer."""
    images: int
    """On which answers were compared."""
    images_from: str
    """Where these come from, in words."""
    rounds: tuple[SearchRecord, ...]
    """The search."""
    chosen_round: int
    """The round whose policy and disguise were taken, from 1 on."""
    observers: tuple[HiddenFrom, ...]
    """In the order of the catalog, judged by readers that chose nothing."""
    visible: tuple[VisibleRecord, ...] = ()
    """The true architecture, then the disguises of which the one that trains worst was taken; empty where the best was
    taken and nothing trained."""
    opened_with: str = ""
    """What must be said to open it: of a stranger's module what builds it."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage, of the last run."""

    def __post_init__(self) -> None:
        if self.schema != CONCEAL_SCHEMA:
            raise RunError(f"a conceal record of this version has schema {CONCEAL_SCHEMA}; got {self.schema}")
        if not self.observers or not self.rounds:
            raise RunError("a conceal record has at least one observer and one round")
        if not 1 <= self.chosen_round <= len(self.rounds):
            raise RunError(f"the chosen round is one of {len(self.rounds)}; got {self.chosen_round}")
        for one in self.observers:
            if not (one.before.skeleton_errors and one.naive.skeleton_errors and one.taught.skeleton_errors):
                raise RunError(f"{one.name} has at least one recording before and after")


def conceal_to_json(path: Path, record: ConcealRecord) -> Path:
    """Write the record, whole or not at all."""
    return write_json(path, record)


def conceal_from_json(path: Path) -> ConcealRecord:
    """Read what :func:`conceal_to_json` wrote; a missing, damaged or foreign file raises RunError that names it."""
    return read_record(path, ConcealRecord, "conceal", CONCEAL_SCHEMA)
