"""What a released model may cost, in one frozen record. All of it holds for the released network, on one image."""

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Final, Literal, get_args

from archlock.errors import ConfigurationError

Runtime = Literal["onnx", "torch"]
"""What runs the model where its latency is taken: ONNX Runtime, or torch as it is. One says little of the other."""
RUNTIMES: Final[tuple[Runtime, ...]] = get_args(Runtime)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a released model may cost; None is no limit. Born valid (else ConfigurationError).

    The released network is the simplified one (nothing dead is built), with its head and normalisation, for images of
    the size that the run takes. Everything but latency is counted exactly, for a whole space, before anything is
    bought. The search, the random architectures, the source floor and the source-only reference keep the same limits.
    """

    parameters: float | None = None
    macs: float | None = None
    """Multiply-adds for one image. FLOPs are twice that."""
    weights_bytes: float | None = None
    """Of the tensors in the file of weights."""
    peak_bytes: float | None = None
    """Of feature maps that are held at once (float32), as a runtime that plans its memory does; no weights."""
    intensity: float | None = None
    """The *least* FLOPs for each byte of weights, and of what operators read and write."""
    latency_ms: float | None = None
    """Milliseconds for one image, one thread, CPU time: on this machine, or on the device of ``device_table``."""
    runtime: Runtime | None = None
    """What runs the model for the latency; None: ONNX Runtime where the extra ``deploy`` is installed, else torch."""
    device_table: str | None = None
    """File with the latencies of another device: a calibration made there by ``archlock cost``, or a CSV file of
    ``code, ms``."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("runtime", "device_table") or value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < math.inf:
                raise ConfigurationError(f"the limit {field.name} is a number above 0, or None; got {value!r}")
        if self.runtime is not None and self.runtime not in RUNTIMES:
            raise ConfigurationError(f"unknown runtime {self.runtime!r}; known: {', '.join(RUNTIMES)}")
        for name in ("runtime", "device_table"):
            if getattr(self, name) is not None and self.latency_ms is None:
                raise ConfigurationError(
                    f"{name} says where a latency is taken, and there is no limit on latency; give latency_ms "
                    f"(--max-latency) too, or leave {name} out"
                )

    @property
    def exact(self) -> dict[str, float]:
        """The limits that are counted, by name."""
        names = ("parameters", "macs", "weights_bytes", "peak_bytes", "intensity")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return bool(self.exact) or self.latency_ms is not None


NO_LIMITS: Final = Limits()
