"""What a run may cost: minutes, or a number of short trainings.

Minutes are turned into a plan once, by timing this machine, and the plan is written down before it is spent: a run that
is killed and taken up again does the same work and ends with the same answer.
"""

import re
from dataclasses import dataclass
from typing import Literal

from archlock.errors import ConfigurationError

_UNITS = {"s": 1 / 60, "sec": 1 / 60, "m": 1.0, "min": 1.0, "h": 60.0}


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount of minutes of wall-clock time, or of short trainings on the source (one per candidate)."""

    amount: float
    unit: Literal["minutes", "trainings"]

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """``20min``, ``2h``, ``90s`` or ``150 trainings``; anything else raises ConfigurationError."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text.lower())
        if found and float(found[1]) > 0:
            amount, unit = float(found[1]), found[2].removesuffix("s") if len(found[2]) > 1 else found[2]
            if unit == "training" and amount == int(amount):
                return cls(amount, "trainings")
            minutes = _UNITS.get({"minute": "min", "hour": "h", "second": "sec"}.get(unit, unit))
            if minutes is not None:
                return cls(amount * minutes, "minutes")
        raise ConfigurationError(
            f"budget {text!r} is not understood; write for example 20min, 2h, 90s or '150 trainings'"
        )

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}"
