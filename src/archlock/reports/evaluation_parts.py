"""Parts of an evaluation record: runs, what is possible on a pair, what keeps a floor, patterns, and the table.

All are frozen and born valid (else RunError); see ``evaluation`` for the record that they make up.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Final

from archlock.errors import RunError

ALL_PAIRS: Final = "all"
"""The ``pair`` of a pattern or an importance that was estimated over all pairs together."""
TOLERANCE: Final = 1e-6
"""Percentile points that rounding may cost."""


@dataclass(frozen=True, slots=True)
class Queries:
    """How many recorded values a run looked up before it decided, by kind. Born valid: none is negative."""

    proxy: int = 0
    """Scores of untrained networks."""
    short: int = 0
    """Short trainings, on any task."""
    source_full: int = 0
    """Full trainings on the source."""
    target_full: int = 0
    """Full trainings on the true target: an honest run of an unknown target has none."""
    surrogate_full: int = 0
    """Full trainings on tasks that stand in for the target."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 0:
                raise RunError(f"queries are counted from 0; got {getattr(self, field.name)} of {field.name}")


QUERY_KINDS: Final[tuple[str, ...]] = tuple(field.name for field in dataclasses.fields(Queries))


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One run: one method on one pair with one seed, and what the architecture it chose is worth. Born valid."""

    table: str
    source: str
    target: str
    scheme: str
    """``s``, ``tk``, ``tu``, or the name of a baseline."""
    method: str
    """Short label, different for every configuration of the evaluation, for example ``tu``, ``random_feasible``."""
    preference: str
    strategy: str
    evidence: str
    seed: int
    architecture: str
    """Its code."""
    source_percentile: float
    target_percentile: float
    """Lower is a better lock."""
    source_value: float
    target_value: float
    source_loss: float
    """How far the architecture is behind the best one recorded on the source, in the column's unit; not negative."""
    target_loss: float
    lock_score: float | None
    """:meth:`PairScale.lock_score` of the target percentile; 0 where the source floor is missed."""
    queries: Queries
    seconds: float

    def __post_init__(self) -> None:
        where = f"run of {self.method} on {pair_name(self.source, self.target)}, seed {self.seed}"
        if self.source == self.target:
            raise RunError(f"{where}: source and target must differ")
        for name in ("source_percentile", "target_percentile"):
            if not 0 <= getattr(self, name) <= 100:
                raise RunError(f"{where}: {name} must be in [0, 100]; got {getattr(self, name)}")
        for name in ("source_loss", "target_loss", "seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                raise RunError(f"{where}: {name} must be a number from 0 on; got {getattr(self, name)}")
        for name in ("source_value", "target_value"):
            if not math.isfinite(getattr(self, name)):
                raise RunError(f"{where}: {name} is not a finite number")

    @property
    def pair(self) -> str:
        """Source and target in one text."""
        return pair_name(self.source, self.target)


@dataclass(frozen=True, slots=True)
class TwinAgreement:
    """What the table knows twice of one target: twins are two trainings of one function, both above the source floor.

    Born valid (else RunError).
    """

    functions: int
    """That have twins."""
    agreement: float | None
    """Spearman of the twins; None where all on one side are equal."""
    lowest: float
    """Mean target percentile of the five lowest, by the twin that they are chosen by."""
    again: float
    """The same ones by their other twin."""

    def __post_init__(self) -> None:
        ranks = (self.lowest, self.again, 0.0 if self.agreement is None else 100 * abs(self.agreement))
        if self.functions < 1 or not all(0 <= one <= 100 + TOLERANCE for one in ranks):
            raise RunError(f"twins are at least one, their percentiles in [0, 100]; got {self}")

    @property
    def rise(self) -> float:
        """Percentile points by which the lowest rise where another training judges than the one that chose."""
        return self.again - self.lowest


@dataclass(frozen=True, slots=True)
class PairScale:
    """What is possible on one pair at the source floor: mean target percentiles, by which runs are judged."""

    table: str
    source: str
    target: str
    feasible: int
    """Number of architectures that keep the source floor."""
    random_feasible: float
    """Expected target percentile of a random feasible architecture."""
    best_source: float
    """Of the best source architecture: what an ordinary search would ship."""
    tk_floor: float
    """Lowest of all feasible architectures: nothing can do better here."""
    tu_possible: float
    """Of the architecture that is best for this source over all its targets at once."""
    twins: TwinAgreement | None = None
    """How repeatable the lowest ones are; None where the table cannot say."""

    def __post_init__(self) -> None:
        where = f"scale of {self.pair}"
        if self.feasible < 1:
            raise RunError(f"{where}: at least one architecture keeps the floor; got {self.feasible}")
        for name in ("random_feasible", "best_source", "tk_floor", "tu_possible"):
            if not 0 <= getattr(self, name) <= 100:
                raise RunError(f"{where}: {name} must be in [0, 100]; got {getattr(self, name)}")
        if self.tk_floor > min(self.random_feasible, self.tu_possible) + TOLERANCE:
            raise RunError(
                f"{where}: nothing can be below the lowest target percentile ({self.tk_floor}); got "
                f"{self.random_feasible} for a random feasible and {self.tu_possible} for the best one architecture"
            )

    @property
    def pair(self) -> str:
        """Source and target in one text."""
        return pair_name(self.source, self.target)

    @property
    def room(self) -> float:
        """Percentile points that a lock can take from the target at most; 0 where nothing can be locked."""
        room = self.random_feasible - self.tk_floor
        return room if room > TOLERANCE else 0.0

    def taken_away(self, found: float, *, kept: bool) -> float:
        """Percentile points below chance: random feasible - found. A run that missed the source floor takes none."""
        return self.random_feasible - found if kept else 0.0

    def lock_score(self, found: float, *, kept: bool) -> float | None:
        """(random feasible - found) / (random feasible - floor): 0 is chance, 1 the best possible; see the glossary.

        A missed source floor (``kept`` false) is no lock: 0. None where all feasible architectures are alike on the
        target, so that nothing can be locked.
        """
        return self.taken_away(found, kept=kept) / self.room if self.room else None


@dataclass(frozen=True, slots=True)
class FloorValue:
    """What keeps the source floor of the record on one source, by what judges there. Born valid (else RunError)."""

    source: str
    value: float
    """Lowest value that keeps the floor, in the unit, higher is better."""
    metric: str
    unit: str
    different: int
    """Architectures that keep it; isomorphic ones count once."""
    noise: float | None = None
    """Standard deviation of one training on the source, in the unit; None where the table does not know it."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.value) or self.different < 1:
            raise RunError(
                f"the floor of {self.source} is a finite value that at least one architecture reaches; got "
                f"{self.value} and {self.different}"
            )
        if self.noise is not None and not 0 <= self.noise < math.inf:
            raise RunError(f"the noise of {self.source} is a number from 0 on, or None; got {self.noise}")


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """One method held to one source floor: means over pairs and seeds. ``kept``: share of runs in [0, 1]."""

    method: str
    floor: float
    source_percentile: float
    """Realised."""
    target_percentile: float
    kept: float


@dataclass(frozen=True, slots=True)
class FloorScale:
    """What is possible at one source floor: :class:`PairScale` averaged over the pairs."""

    floor: float
    random_feasible: float
    tk_floor: float
    tu_possible: float


@dataclass(frozen=True, slots=True)
class PatternRecord:
    """What one structure does to the target, among architectures that keep the source floor."""

    pair: str
    """:func:`pair_name`, or ``all``."""
    kind: str
    """For example ``operation on edge``, ``depth``, ``path``, ``size``."""
    name: str
    effect: float
    """Target percentile points; negative hinders the attacker."""
    low: float
    high: float
    """95 % interval of the effect."""
    count: int
    """Feasible architectures that have the structure."""


@dataclass(frozen=True, slots=True)
class ImportanceRecord:
    """How much of the target percentile one feature explains; ``importance`` is a number the larger the more."""

    pair: str
    name: str
    importance: float


TRUTH_AGAIN: Final = "truth again"
"""Name of the proxy that is another look at the truth: what nothing can beat."""


@dataclass(frozen=True, slots=True)
class ProxyAgreement:
    """Spearman of a proxy with the truth of a task: over the connected architectures, and where it decides."""

    task: str
    proxy: str
    """A recorded proxy, ``params`` or ``macs``, or ``truth again``: another run, or the truth with its noise."""
    architectures: int
    whole: float | None
    top: float | None
    """Among the top 5 % of the task; None where too few have a value."""
    size_whole: float | None = None
    """The better of parameters and multiply-adds on the same architectures: the whole of them."""
    size_top: float | None = None

    def __post_init__(self) -> None:
        for name in ("whole", "top", "size_whole", "size_top"):
            value = getattr(self, name)
            if value is not None and not -1 - TOLERANCE <= value <= 1 + TOLERANCE:
                raise RunError(f"{name} of {self.proxy} on {self.task} is a correlation in [-1, 1]; got {value}")

    @property
    def beats_size(self) -> tuple[bool, bool]:
        """Whether it agrees better than both sizes on the same architectures: over the whole, and among the top."""
        pairs = ((self.whole, self.size_whole), (self.top, self.size_top))
        over, among = (own is not None and (size is None or own > size) for own, size in pairs)
        return over, among


@dataclass(frozen=True, slots=True)
class RecordedTask:
    """A task of the table: what the column of truth measured."""

    name: str
    metric: str
    split: str
    unit: str = ""
    epochs: int | None = None
    runs: str = ""


@dataclass(frozen=True, slots=True)
class TableRecord:
    """The recorded benchmark: where it is from, and its checksum."""

    name: str
    space: str
    architectures: int
    tasks: tuple[RecordedTask, ...]
    provenance: str
    checksum: str


def kept_from(floor: float) -> float:
    """The source percentile from which on a floor counts as kept: rounding must not decide."""
    return floor - TOLERANCE


def run_keeps_floor(row: EvaluationRow, floor: float) -> bool:
    """Whether a run keeps a source floor, a percentile in [0, 100]."""
    return row.source_percentile >= kept_from(floor)


def pair_name(source: str, target: str) -> str:
    """``cifar10 to svhn``: how a pair is called in the record and on the page."""
    return f"{source} to {target}"
