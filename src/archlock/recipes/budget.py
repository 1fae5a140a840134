"""What a run may cost: minutes, or a number of short trainings.

Minutes are turned into a plan once, by timing this machine, and the plan is written down before it is spent: a run that
is killed and taken up again does the same work and ends with the same answer.
"""

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from archlock.errors import ConfigurationError

MOST: Final = {"minutes": 60.0 * 24 * 365, "trainings": 1e7}
"""A year, and ten million trainings; more is a slip of the finger."""
_UNITS = {"s": 1 / 60, "sec": 1 / 60, "m": 1.0, "min": 1.0, "h": 60.0}


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount of minutes of wall-clock time, or of short trainings on the source (one per candidate).

    Born valid: above 0, at most a year or ten million trainings, whole where it counts (else ConfigurationError).
    """

    amount: float
    unit: Literal["minutes", "trainings"]

    def __post_init__(self) -> None:
        if self.unit not in MOST or isinstance(self.amount, bool) or not isinstance(self.amount, int | float):
            raise ConfigurationError(
                f"a budget is a number of minutes or trainings, as in 20min; got {self.amount!r} {self.unit!r}"
            )
        if not 0 < self.amount <= MOST[self.unit] or (self.unit == "trainings" and not float(self.amount).is_integer()):
            raise ConfigurationError(
                f"a budget is above 0 and at most {MOST[self.unit]:,.0f} {self.unit}, whole if it counts trainings; "
                f"got {self.amount:g}"
            )

    @classmethod
    def parse(cls, text: str) -> "Budget":
        """``20min``, ``2h``, ``90s`` or ``150 trainings``; anything else raises ConfigurationError."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", text.lower())
        if found and 0 < float(found[1]) < math.inf:
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
