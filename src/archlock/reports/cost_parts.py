"""The part of a lock record that says what its models cost as released networks, and which limits they keep."""

from dataclasses import dataclass
from typing import Literal

from archlock.errors import RunError
from archlock.reports.record_parts import Role

LatencyKind = Literal["measured", "recorded", "foretold"]
"""Where a latency comes from: measured on this machine, recorded on the device, or foretold by a calibration of it."""
LimitName = Literal["parameters", "macs", "weights_bytes", "peak_bytes", "intensity", "latency_ms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCostRecord:
    """What one model costs for one image. A MAC is a multiply-add, and two FLOPs."""

    role: Role
    """Which of the models it is."""
    parameters: int
    """Number of weights."""
    macs: int
    """Multiply-adds of convolutions and linear layers."""
    flops: int
    """Two for each multiply-add."""
    weights_bytes: int
    """Of all tensors in the file of weights, without its header."""
    int8_bytes: int
    """Of weights in eight bits with a scale for each channel, as counted; nothing was quantised."""
    peak_bytes: int
    """Most bytes of feature maps (float32) that are held at once where memory is planned; no work space, no weights."""
    intensity: float
    """FLOPs for each byte of weights, and of what operators read and write."""
    latency_ms: float | None = None
    """Milliseconds for one image, one thread; `null` where there was no limit on it."""
    latency_kind: LatencyKind | None = None
    """Where that comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRecord:
    """One limit, and how far below it the locked model is."""

    name: LimitName
    """What it is on, a field of the models' costs. It is the most there may be; of the intensity, the least."""
    limit: float
    """In the unit of that cost."""
    locked: float
    """What the locked model has."""
    slack: float
    """Share of the limit that is left; negative where it is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsPriceRecord:
    """The best that is believed of all architectures, and of those that keep the limits, by the same evidence.

    Nothing above the limits was trained: these are estimates.
    """

    what: Literal["source", "targets"]
    """Best accuracy on the source, or least gain of attackers on the targets that the search saw, above the floor."""
    within: float
    """Of the architectures that keep the limits."""
    within_code: str
    """Which one."""
    without: float
    """Of all architectures."""
    without_code: str
    """Which one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord:
    """What the models of a lock run cost, which limits they were held to, and what these limits took."""

    models: tuple[ModelCostRecord, ...]
    """In the order of the roles."""
    limits: tuple[LimitRecord, ...] = ()
    """Empty where the run had none."""
    device: str = ""
    """Machine or device and runtime of the latencies; empty where there are none."""
    architectures: int
    """How many different functions the space has."""
    within: int
    """How many of them keep the limits, as far as could be told before anything was trained."""
    price: tuple[LimitsPriceRecord, ...] = ()
    """Empty where the limits leave everything, or where there was no evidence from trainings."""
    notes: tuple[str, ...] = ()
    """What to know of the limits, in sentences."""

    def __post_init__(self) -> None:
        if any(model.latency_ms is not None for model in self.models) and not self.device:
            raise RunError("a latency says nothing without its device and runtime; the cost record names none")
