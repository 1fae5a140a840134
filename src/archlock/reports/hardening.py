"""The record of a hardening (``hardening.json``): what was done, and what adversaries and attackers get of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final, Literal

import numpy as np

from archlock.errors import RunError
from archlock.records import write_json
from archlock.reports.before_after import BeforeAfterRecord
from archlock.reports.reading import read_record
from archlock.reports.record_parts import TaskRecord
from archlock.reports.robustness import RobustnessRecord
from archlock.reports.statistics import Estimate

HARDENING_SCHEMA: Final = 1
"""The only schema number this version reads and writes."""
Moment = Literal["before", "dense", "after"]
"""As it was given, after the dense stage, as it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerState:
    """What the weights of one layer are like at one moment."""

    zeros: int
    """Weights that are zero."""
    dead: int
    """Filters that are wholly zero."""
    rank: int
    """Of the living filters."""
    full_rank: int
    """That they could have."""
    condition: float | None
    """Largest / smallest singular value on the surviving rank; `null` where the layer has none."""
    gap: float | None
    """c(W), the condition gap; `null` where the rank is short or there is none."""
    norm: float | None
    """Largest factor by which the layer stretches its input, at the size that it meets (L2); `null` where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRecord:
    """One convolution or linear layer before, after the dense stage and after."""

    name: str
    """In the model."""
    weights: int
    """Of the layer, without its bias."""
    filters: int
    """Outputs."""
    before: LayerState
    """As it was given."""
    dense: LayerState
    """After the dense stage."""
    after: LayerState
    """As it is written."""
    note: str = ""
    """Why the layer has no condition number."""
    shared_with: str = ""
    """Name of an earlier layer whose weights these are; they are counted there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothnessRecord:
    """How far answers can move with an image (L2)."""

    bound: float | None
    """Of the Lipschitz constant, by the norms of the layers; `null` where none is known."""
    note: str = ""
    """Why there is no bound."""
    median_local: float
    """Norm of the Jacobian of the logits, median over images."""
    largest_local: float
    """The largest of them."""
    images: int
    """Test images at which it was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRecord:
    """What the model costs to keep and to run."""

    file_bytes: int
    """Of its weights as a file."""
    deflated_bytes: int
    """Of that file, compressed by zlib."""
    latency_ms: float
    """For one image, one thread; median of three blocks' median CPU time."""
    busy: str = ""
    """Why the latency is not to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImmunityRecord:
    """What the terms of immunisation came to, and what heads get of the frozen features."""

    target: str
    """Whose features were made ill-conditioned."""
    own_condition: tuple[float, float]
    """Of S = F^T F of the own task before and after, on the surviving rank."""
    other_condition: tuple[float, float]
    """Of the target."""
    own_rank: tuple[int, int]
    """Before and after."""
    other_rank: tuple[int, int]
    """Before and after."""
    width: int
    """Features."""
    ratio: float
    """RIR: how much more the target's condition number rose than the own one's; says nothing where a rank changed."""
    best_ratio: float | None
    """The largest RIR that any linear map of the features of before could have; `null` where they are singular."""
    probes: dict[str, tuple[float, float]]
    """Test accuracy of heads on the target before and after, by who fits them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardeningRecord:
    """A hardening. Born valid (else RunError)."""

    record: Literal["hardening"] = "hardening"
    """Says which kind of record this is."""
    schema: int = HARDENING_SCHEMA
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
    source: TaskRecord
    """The task that it was trained for."""
    epsilon: float
    """That it was trained against."""
    norm: Literal["linf", "l2"]
    """How epsilon is measured."""
    sparsity: float
    """Share of the weights of convolutions and linear layers that are zero."""
    condition: float
    """Weight of the condition-number constraint."""
    sparse_shape: float
    """Weight of the sparse constraint."""
    epochs: tuple[int, int]
    """Of the dense and of the sparse stage."""
    validation: tuple[float, ...]
    """Robust validation accuracy of the epochs that could be chosen, by which the best was."""
    before: RobustnessRecord
    """What adversaries leave of the model as it was given."""
    after: RobustnessRecord
    """What they leave of the hardened one: the same images, the same adversaries."""
    layers: tuple[LayerRecord, ...]
    """In the order of the model."""
    smoothness: tuple[SmoothnessRecord, SmoothnessRecord, SmoothnessRecord]
    """Before, after the dense stage, and after."""
    sizes: tuple[SizeRecord, SizeRecord]
    """Before and after."""
    attacks: BeforeAfterRecord | None = None
    """What attackers get of both; `null`: nothing was attacked."""
    immunity: ImmunityRecord | None = None
    """What the terms of immunisation did; `null` where there were none."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage."""

    def __post_init__(self) -> None:
        if self.schema != HARDENING_SCHEMA:
            raise RunError(f"a hardening record of this version has schema {HARDENING_SCHEMA}; got {self.schema}")
        if self.before.rows != self.after.rows or self.before.epsilons != self.after.epsilons:
            raise RunError("before and after are measured on the same images within the same epsilons")

    @property
    def own_layers(self) -> tuple[LayerRecord, ...]:
        """Layers, but for those whose weights an earlier one has."""
        return tuple(one for one in self.layers if not one.shared_with)

    @property
    def zeros(self) -> float:
        """Share of zero weights, counted."""
        return sum(one.after.zeros for one in self.own_layers) / max(1, sum(one.weights for one in self.own_layers))

    def conditions(self, moment: Moment) -> tuple[float, ...]:
        """Condition numbers of the layers that have one at every moment."""
        both = [
            one for one in self.own_layers if all(at.condition is not None for at in (one.before, one.dense, one.after))
        ]
        return tuple(getattr(one, moment).condition for one in both)

    def median_condition(self, moment: Moment) -> float | None:
        """Median over layers; None where no layer has one."""
        found = self.conditions(moment)
        return median(found) if found else None

    def short(self, moment: Moment) -> int:
        """Layers whose rank is short."""
        return sum(getattr(one, moment).rank < getattr(one, moment).full_rank for one in self.own_layers)

    def dead(self, moment: Moment) -> int:
        """Filters that are wholly zero."""
        return sum(getattr(one, moment).dead for one in self.own_layers)

    @property
    def clean_change(self) -> Estimate:
        """Accuracy on images as they are, after minus before, over images."""
        return _paired([at > 0 for at in self.before.worst], [at > 0 for at in self.after.worst])

    def robust_changes(self) -> tuple[Estimate, ...]:
        """Worst-case accuracy at each epsilon, after minus before, over images."""
        places = range(1, len(self.after.epsilons) + 1)
        return tuple(
            _paired([at > place for at in self.before.worst], [at > place for at in self.after.worst])
            for place in places
        )


def _paired(before: Sequence[bool], after: Sequence[bool]) -> Estimate:
    """Mean difference of paired shares with its normal 95 % interval; right on the same images before and after."""
    differences = np.array(after, float) - np.array(before, float)
    mean, count = float(differences.mean()), len(differences)
    half = 1.96 * float(differences.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan
    return Estimate(mean, mean - half, mean + half, count) if count > 1 else Estimate(mean, None, None, count)


def hardening_to_json(path: Path, record: HardeningRecord) -> Path:
    """Write the record, whole or not at all."""
    return write_json(path, record)


def hardening_from_json(path: Path) -> HardeningRecord:
    """Read what :func:`hardening_to_json` wrote; a missing, damaged or foreign file raises RunError that names it."""
    return read_record(path, HardeningRecord, "hardening", HARDENING_SCHEMA)
