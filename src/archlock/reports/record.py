"""What a run found, as records: the documented schema (number 1) of ``result.json``.

A record holds measurements and facts, never prose about them: sentences, intervals and pictures are made from it, so a
report can always be made again. Accuracies are fractions in [0, 1]; for a dense task the score is R squared (at most 1,
may be negative). A number that does not exist is ``None``; NaN is refused at birth.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from archlock.decoding import decode
from archlock.errors import RunError
from archlock.records import read_json, write_json

SCHEMA: Final = 1
"""The only schema number this version reads and writes."""

Scheme = Literal["s", "tk", "tu"]
Role = Literal["locked", "source_only"]
"""Which model: the locked one, or the one an ordinary search for source accuracy alone would have given."""
Kind = Literal["classification", "dense"]
Status = Literal["valid", "failed", "unsupported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """The source task: what the data were. ``skipped`` counts unreadable files that were left out."""

    name: str
    origin: str
    fingerprint: str
    kind: Kind
    classes: tuple[str, ...]
    """Names of the classes; empty for a dense task."""
    shape: tuple[int, int, int]
    """Channels, height, width."""
    examples: dict[str, int]
    """Number of examples in ``train``, ``validation`` and ``test``."""
    class_balance: tuple[float, ...] = ()
    skipped: int = 0

    @property
    def chance(self) -> float:
        """Score of the best constant answer: the largest class share, 0 for a dense task."""
        return max(self.class_balance, default=1 / len(self.classes) if self.classes else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRecord:
    """The source floor that the locked architecture had to keep.

    ``accuracy_loss``: ``value`` is the largest allowed loss of source accuracy (0.01 = one point).
    ``percentile``: ``value`` in [0, 100] is the least predicted source percentile over the space.
    """

    kind: Literal["accuracy_loss", "percentile"]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A trained model. ``source_validation`` and ``source_test``: one score per training seed, in the same order.

    Of an opened model that is no network of ours, ``space`` and ``official_string`` are empty, ``code`` is its name,
    ``width`` and ``depth`` are 0. Its source scores may be unknown: then both are empty.
    """

    role: Role
    space: str
    code: str
    official_string: str
    parameters: int
    multiply_adds: int
    """Of one image."""
    width: int
    depth: int
    source_validation: tuple[float, ...]
    source_test: tuple[float, ...]
    source_percentile: float | None = None
    """In [0, 100]: share of the space that the preference model puts below this architecture on the source."""
    curve: tuple[float, ...] = ()
    """Source validation score after every epoch of the first training seed."""
    seconds: float = 0.0
    origin: str = ""
    """Where an attacked model was opened, and how, in words; empty for the models of a lock run."""

    @property
    def architecture(self) -> str:
        """Space and code, as in ``nasbench201:421211``; the name alone of a network of no space of ours."""
        return f"{self.space}:{self.code}" if self.space else self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalistRecord:
    """An architecture that was trained on the source before the decision; validation scores only.

    ``target_gain`` is the mean measured score of the (simulated or named) targets the search was allowed to see.
    """

    code: str
    source_validation: tuple[float, ...]
    target_gain: float | None = None
    per_target: dict[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffPoint:
    """The best lock for one allowed source loss; ``estimated`` when no finalist was trained for it."""

    source_loss: float
    """Allowed loss of source validation score against the source-only model (0.01 = one point)."""
    code: str
    source_validation: float
    target_gain: float
    taken_away: float
    """Target gain of the source-only model minus that of this one: higher is a better lock."""
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord:
    """A target task. ``examples`` counts its training examples (the attacker's data at fraction 1)."""

    name: str
    origin: str
    kind: Kind
    classes: int
    """Number of classes; 0 for a dense task."""
    chance: float
    examples: int
    seen_by_search: bool
    simulated: bool
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """One attack with one seed. ``validation`` and ``test`` are ``None`` exactly when the status is not valid."""

    defended: Role
    target: str
    """Name of a target of the same record."""
    attacker: str
    fraction: float
    """Share in (0, 1] of the target's training examples that the attacker had."""
    seed: int
    setting: str = ""
    """What the attacker chose, for example ``learning rate 0.03``."""
    validation: float | None
    test: float | None
    seconds: float = 0.0
    status: Status = "valid"
    note: str = ""

    def __post_init__(self) -> None:
        numbers = self.validation is not None and self.test is not None
        none = self.validation is None and self.test is None
        if not (numbers if self.status == "valid" else none):
            raise RunError(
                f"outcome of {self.attacker} on {self.target}: a valid outcome has a validation and a test score and a "
                f"{self.status} one has neither; got validation {self.validation}, test {self.test}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecord:
    """How many measurements of one kind were bought on one task, how many failed, and their cost."""

    measure: str
    task: str
    count: int
    failed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRecord:
    """What was asked (in the user's words), what was planned from it, and what was spent."""

    asked: str
    planned: dict[str, float] = field(default_factory=dict)
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage, in order."""
    trainings: dict[str, int] = field(default_factory=dict)
    """Number of trainings by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file beside the report; ``path`` is relative to the run directory, ``what`` says what it is."""

    path: str
    what: str

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or parts[0] == "/" or ".." in parts or ":" in self.path or "\\" in self.path:
            raise RunError(f"a file of a run is named by a path inside the run directory; got {self.path!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """Everything a lock run found, in one record; ``result.json`` of the run directory. Born valid (else RunError)."""

    record: Literal["lock"] = "lock"
    schema: int = SCHEMA
    created: str
    """ISO 8601 time."""
    seed: int
    scheme: Scheme
    evidence_kind: str
    demo: bool = False
    command: str
    versions: dict[str, str]
    source: TaskRecord
    floor: FloorRecord
    locked: ModelRecord
    source_only: ModelRecord
    finalists: tuple[FinalistRecord, ...] = ()
    trade_off: tuple[TradeOffPoint, ...] = ()
    targets: tuple[TargetRecord, ...] = ()
    outcomes: tuple[OutcomeRecord, ...] = ()
    evidence: tuple[EvidenceRecord, ...] = ()
    budget: BudgetRecord
    limits: tuple[str, ...] = ()
    """What this run cannot show, one plain sentence each."""
    files: tuple[FileRecord, ...] = ()

    def __post_init__(self) -> None:
        _check(self, (self.locked, self.source_only), self.targets, self.outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackRecord:
    """A stand-alone attack run on one model (role ``locked``), or on it and a reference (role ``source_only``).

    The models of a lock run have these roles in earnest; of opened models (``origin`` is set) nobody claims a lock.
    """

    record: Literal["attack"] = "attack"
    schema: int = SCHEMA
    created: str
    seed: int
    demo: bool = False
    command: str
    versions: dict[str, str]
    source: TaskRecord | None = None
    models: tuple[ModelRecord, ...]
    targets: tuple[TargetRecord, ...] = ()
    outcomes: tuple[OutcomeRecord, ...] = ()
    spent_seconds: dict[str, float] = field(default_factory=dict)
    budget: BudgetRecord | None = None
    """What was asked and planned, where the attackers had a budget."""
    limits: tuple[str, ...] = ()
    files: tuple[FileRecord, ...] = ()

    def __post_init__(self) -> None:
        if not self.models or self.models[0].role != "locked" or len(self.models) > 2:
            raise RunError(
                "an attack record has the attacked model first (role 'locked') and at most a reference after it; "
                f"got {[model.role for model in self.models]}"
            )
        _check(self, self.models, self.targets, self.outcomes)

    @property
    def opened(self) -> bool:
        """Whether the models were opened one by one, so that nobody claims that one of them is locked."""
        return bool(self.models[0].origin)


def to_json(path: Path, record: LockRecord | AttackRecord) -> Path:
    """Write the record (``result.json``), whole or not at all."""
    return write_json(path, record)


def from_json(path: Path) -> LockRecord | AttackRecord:
    """Read what :func:`to_json` wrote; a missing, damaged or foreign file raises RunError that names file and place."""
    return from_plain(read_json(path), name=str(path))


def from_plain(content: Any, *, name: str = "result.json") -> LockRecord | AttackRecord:
    """The record made from JSON types; RunError says what does not fit, and where in ``name``."""
    if not isinstance(content, dict) or content.get("record") not in ("lock", "attack"):
        raise RunError(f'{name} is no record of ArchLock: expected an object with "record": "lock" or "attack"')
    schema = content.get("schema")
    if schema != SCHEMA:
        raise RunError(
            f"{name} has schema {schema!r}, this version of ArchLock reads schema {SCHEMA}; "
            "read it with the version that wrote it, or run again"
        )
    try:
        if content["record"] == "lock":
            return decode(LockRecord, content)
        return decode(AttackRecord, content)
    except RunError as error:
        raise RunError(f"{name} is damaged: {error}") from error


def _check(
    record: "LockRecord | AttackRecord",
    models: Sequence[ModelRecord],
    targets: Sequence[TargetRecord],
    outcomes: Sequence[OutcomeRecord],
) -> None:
    if record.schema != SCHEMA:
        raise RunError(f"a record of this version has schema {SCHEMA}; got {record.schema}")
    for expected, model in zip(("locked", "source_only"), models, strict=False):
        if model.role != expected:
            raise RunError(f"the {expected} model has the role {model.role!r}")
        unknown = isinstance(record, AttackRecord) and bool(model.origin)
        if len(model.source_validation) != len(model.source_test) or not (unknown or model.source_test):
            raise RunError(
                f"the {expected} model needs one source validation and one source test score per training seed; "
                f"got {len(model.source_validation)} and {len(model.source_test)}"
            )
    names = [target.name for target in targets]
    if len(set(names)) != len(names):
        raise RunError(f"target names must differ; got {names}")
    for outcome in outcomes:
        if outcome.target not in names:
            raise RunError(f"an outcome is on the target {outcome.target!r}, but the targets are {names}")
        if not 0 < outcome.fraction <= 1:
            raise RunError(f"outcome of {outcome.attacker}: the fraction must be in (0, 1]; got {outcome.fraction}")
    place = _not_finite(record, "")
    if place:
        raise RunError(f"{place} is not a finite number; a number that does not exist is None")


def _not_finite(value: object, where: str) -> str:
    """Place of the first NaN or infinity inside the record; empty if there is none."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else where
    children: list[tuple[str, object]] = []
    if dataclasses.is_dataclass(value):
        dot = "." if where else ""
        children = [(f"{where}{dot}{f.name}", getattr(value, f.name)) for f in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        children = [(f"{where}.{key}", item) for key, item in value.items()]
    elif isinstance(value, tuple):
        children = [(f"{where}[{index}]", item) for index, item in enumerate(value)]
    return next((found for place, child in children if (found := _not_finite(child, place))), "")
