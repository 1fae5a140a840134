"""How strong the friction is and how it is measured, in one frozen record."""

import math
from dataclasses import dataclass

from archlock.errors import ConfigurationError
from archlock.models import SPREAD
from archlock.recipes.checking import check_seed, check_whole

NAIVE = ("fine_tune",)
"""Attackers who do what a tutorial says."""
INFORMED = ("lp_ft", "renormalised", "best_layer_probe", "cut_at")
"""Attackers who know what was done: they fit the head first, balance it away, or take what they want from before it."""


@dataclass(frozen=True, slots=True)
class ReleaseConfig:
    """Of a release with friction. Everything that changes the answer, besides model and target, is here."""

    spread: float = SPREAD
    """Standard deviation of the logarithm of the channels' scales; 0: none is rescaled."""
    epochs: int = 6
    """Of a training of the attackers."""
    examples: int | None = None
    """Most training images of the target; None: all."""
    seeds: int = 3
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_whole(1, seeds=self.seeds, epochs=self.epochs)
        check_whole(2, examples=self.examples)
        check_seed(self.seed)
        if not (isinstance(self.spread, int | float) and 0 <= self.spread <= 5 and math.isfinite(self.spread)):
            raise ConfigurationError(
                f"the spread of the scales is a number from 0 (none) to 5 (a factor of e^5); got {self.spread!r}"
            )
