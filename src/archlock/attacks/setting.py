"""What an attacker may set: the learning rate (or the strength of the probe), the optimiser, and the length."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, get_args

from archlock.errors import ConfigurationError
from archlock.training import Optimiser, Plan

Tuned = Literal["rate", "strength"]
"""What the value of a setting is: the learning rate of a training, or the strength of a probe (no optimiser)."""

RATES: Final[Mapping[Optimiser, tuple[float, float]]] = MappingProxyType({"sgd": (1e-3, 1.0), "adamw": (3e-5, 3e-2)})
"""Learning rates that a search looks among, from all that teach nothing to all that diverge."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One point of an attacker's search. Born valid (else ConfigurationError)."""

    value: float
    """Peak learning rate, or strength of a probe."""
    optimiser: Optimiser = "sgd"
    """A probe does not look at it."""
    horizon: float = 1.0
    """Length of the training, in multiples of the plan's epochs. A probe does not look at it."""

    def __post_init__(self) -> None:
        if not (0 < self.horizon < math.inf and math.isfinite(self.value)):
            raise ConfigurationError(
                f"a setting has a finite value and a horizon above 0; got {self.value} and {self.horizon}"
            )
        if self.optimiser not in get_args(Optimiser):
            raise ConfigurationError(f"the optimiser of a setting is sgd or adamw; got {self.optimiser!r}")

    def plan(self, plan: Plan, *, watch: bool = False) -> Plan:
        """The plan with this optimiser and so many times its epochs (at least one); the value is for the attack."""
        epochs = max(1, round(plan.epochs * self.horizon))
        return replace(plan, epochs=epochs, optimiser=self.optimiser, watch=watch or plan.watch)

    def words(self, tuned: Tuned) -> str:
        """For reports: ``learning rate 0.03, adamw, 4x as long``; what is as usual is not said."""
        if tuned == "strength":
            return f"strength {self.value:g}"
        optimiser = "" if self.optimiser == "sgd" else f", {self.optimiser}"
        longer = "" if self.horizon == 1 else f", {self.horizon:g}x as long"
        return f"learning rate {self.value:g}{optimiser}{longer}"
