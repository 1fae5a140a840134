"""What an observer has seen of a running model: numbers in their order, and nothing else.

There is no field for a name, a shape or a parameter, so none can reach a reader, whoever fills the record.
"""

import math
from dataclasses import dataclass
from typing import Final

from archlock.errors import MeasurementError

FEWEST: Final = 5
"""Operators below which there is nothing to read."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at one model. A column that the observer does not see is empty. Born valid (else MeasurementError)."""

    seconds: tuple[float, ...] = ()
    """Of each operator: how long it took."""
    sizes: tuple[int, ...] = ()
    """Of each operator: bytes that it asked for and that outlive it."""
    held: tuple[int, ...] = ()
    """Of each operator: after how many further operators all of those bytes were given back; 0 if never."""
    latencies: tuple[float, ...] = ()
    """Seconds of whole calls, in the order in which they were asked for."""

    def __post_init__(self) -> None:
        for name in ("seconds", "sizes", "held", "latencies"):
            for place, value in enumerate(getattr(self, name)):
                if not (math.isfinite(value) and value >= 0):
                    raise MeasurementError(f"{name} of an observation are 0 or above; number {place + 1} is {value!r}")
        lengths = {len(column) for column in (self.seconds, self.sizes, self.held) if column}
        if len(lengths) > 1:
            raise MeasurementError(f"the columns of an observation are of one length; got {sorted(lengths)}")
        if not lengths and not self.latencies:
            raise MeasurementError("an observation holds at least one column of numbers; got none")
        if lengths and min(lengths) < FEWEST:
            raise MeasurementError(
                f"a trace of {min(lengths)} operators is too short to read; expected at least {FEWEST}"
            )

    def __len__(self) -> int:
        """Operators seen."""
        return max(len(self.seconds), len(self.sizes))
