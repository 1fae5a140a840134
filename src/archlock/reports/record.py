"""What a run found, as records: the documented schema (number 1) of ``result.json``.

A record holds measurements and facts, never prose about them: sentences, intervals and pictures are made from it, so a
report can always be made again. Accuracies are fractions in [0, 1]; for a dense task the score is R squared (at most 1,
may be negative). A number that does not exist is ``None``; NaN is refused at birth.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from archlock.decoding import decode
from archlock.errors import RunError
from archlock.records import LATER, read_json, write_json
from archlock.reports.cost_parts import CostRecord
from archlock.reports.leak_parts import LeakRecord
from archlock.reports.nontransferable_parts import NontransferableRecord
from archlock.reports.record_parts import (
    BudgetRecord,
    EvidenceRecord,
    FileRecord,
    FinalistRecord,
    FloorRecord,
    FurtherRecord,
    ModelRecord,
    OutcomeRecord,
    Role,
    Scheme,
    TargetRecord,
    TaskRecord,
    TradeOffPoint,
)

SCHEMA: Final = 1
"""The only schema number this version reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRecord:
    """Everything a lock run found, in one record; ``result.json`` of the run directory. Born valid (else RunError)."""

    record: Literal["lock"] = "lock"
    """Says which of the two kinds of record this is."""
    schema: int = SCHEMA
    """Number of this schema."""
    created: str
    """ISO 8601 time."""
    seed: int
    """Root seed of the run."""
    scheme: Scheme
    """Whether the search knew targets."""
    evidence_kind: str
    """What the search learned from: `adaptation` or `zero_cost`."""
    demo: bool = False
    """Whether it was a demonstration, whose numbers speak of small data only."""
    command: str
    """What was typed or called."""
    versions: dict[str, str]
    """Of Python and of the libraries, by name."""
    source: TaskRecord
    """The task to protect."""
    floor: FloorRecord
    """What the lock had to keep on the source."""
    locked: ModelRecord
    """The model that the lock released."""
    source_only: ModelRecord
    """The model that the ordinary search would have released."""
    random: ModelRecord | None = None
    """A random architecture that keeps the source floor; `None` where none was trained."""
    same_size: ModelRecord | None = None
    """A random architecture that keeps the floor and has the size of the locked one (parameters within a tenth, else
    the nearest); `None` where none was trained."""
    finalists: tuple[FinalistRecord, ...] = ()
    """Architectures that were trained on the source before the decision."""
    trade_off: tuple[TradeOffPoint, ...] = ()
    """The best lock for each allowed source loss."""
    targets: tuple[TargetRecord, ...] = ()
    """What the models were attacked on, and what the search saw."""
    outcomes: tuple[OutcomeRecord, ...] = ()
    """One for each attack with each seed."""
    further: tuple[FurtherRecord, ...] = ()
    """What further training on the source still gives, for each model with each seed."""
    evidence: tuple[EvidenceRecord, ...] = ()
    """What was measured for the search, in counts."""
    budget: BudgetRecord
    """What was asked, planned and spent."""
    limits: tuple[str, ...] = ()
    """What this run cannot show, one plain sentence each."""
    files: tuple[FileRecord, ...] = ()
    """Files beside the report."""
    cost: CostRecord | None = field(default=None, metadata=LATER)
    """What the models cost, and which limits they keep; `null` in records from before that was kept."""
    nontransferable: NontransferableRecord | None = field(default=None, metadata=LATER)
    """The training after the plain one, and the plainly trained; `null` where the released were trained plainly."""
    leak: LeakRecord | None = field(default=None, metadata=LATER)
    """How well observers read the locked and the source-only network; `null` where nobody asked."""
    nsga2: ModelRecord | None = field(default=None, metadata=LATER)
    """What NSGA-II chose on the same evidence, with as many trainings; `null` where nobody asked."""

    def __post_init__(self) -> None:
        for role, model in (("random", self.random), ("same_size", self.same_size), ("nsga2", self.nsga2)):
            if model is not None and model.role != role:
                raise RunError(f"the {role} model has the role {model.role!r}")
        before = () if self.nontransferable is None else self.nontransferable.outcomes
        _check(self, self.models, self.targets, (*self.outcomes, *before))

    @property
    def models(self) -> tuple[ModelRecord, ...]:
        """Every model that was released, in the order of the roles."""
        every = (self.locked, self.source_only, self.random, self.same_size, self.nsga2)
        return tuple(one for one in every if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackRecord:
    """A stand-alone attack run on one model (role ``locked``), or on it and a reference (role ``source_only``).

    Of a lock run, its random architectures are attacked too. The models of a lock run have these roles in earnest; of
    opened models (``origin`` is set) nobody claims a lock.
    """

    record: Literal["attack"] = "attack"
    """Says which of the two kinds of record this is."""
    schema: int = SCHEMA
    """Number of this schema."""
    created: str
    """ISO 8601 time."""
    seed: int
    """Root seed of the run."""
    demo: bool = False
    """Whether it was a demonstration, whose numbers speak of small data only."""
    command: str
    """What was typed or called."""
    versions: dict[str, str]
    """Of Python and of the libraries, by name."""
    source: TaskRecord | None = None
    """The task of the models, where it is known."""
    models: tuple[ModelRecord, ...]
    """The attacked model; after it the reference and the random architectures, as far as there are any."""
    targets: tuple[TargetRecord, ...] = ()
    """What the models were attacked on."""
    outcomes: tuple[OutcomeRecord, ...] = ()
    """One for each attack with each seed."""
    further: tuple[FurtherRecord, ...] = ()
    """What further training on the source still gives, where more of it was at hand."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage."""
    budget: BudgetRecord | None = None
    """What was asked and planned, where the attackers had a budget."""
    limits: tuple[str, ...] = ()
    """What this run cannot show, one plain sentence each."""
    files: tuple[FileRecord, ...] = ()
    """Files beside the report."""

    def __post_init__(self) -> None:
        roles = [model.role for model in self.models]
        ordered = [role for role in get_args(Role) if role in roles]
        if roles != ordered or roles[:1] != ["locked"] or (len(roles) > 1 and roles[1] != "source_only"):
            raise RunError(
                "an attack record has the attacked model first (role 'locked'), then its reference ('source_only') if "
                f"there is one, then random architectures; got {roles}"
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
    for index, model in enumerate(models):
        expected = ("locked", "source_only")[index] if index < 2 else model.role
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
