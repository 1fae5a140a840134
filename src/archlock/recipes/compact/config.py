"""How much of a model stays, by which method and how long it trains, in one frozen record."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypedDict, Unpack

from archlock.errors import ConfigurationError
from archlock.recipes.checking import check_lengths, check_seed, check_whole
from archlock.recipes.limits.record import Runtime
from archlock.recipes.settings import configured
from archlock.training import COMPACTORS, COSTS, Cost, Goal, Optimiser

IMAGES: Final = 200_000
"""Seen by default in all, in 4 to 20 epochs."""
RATES: Final[dict[Optimiser, float]] = {"sgd": 0.02, "adamw": 3e-4}
"""Learning rates where none is named."""


class CompactSettings(TypedDict, total=False):
    """The settings by name, for type checkers and editors; what each means, CompactConfig says."""

    keep: float | str
    cost: Cost
    method: str
    epochs: int | None
    batch_size: int
    rates: tuple[float, ...]
    optimiser: Optimiser | None
    flip: bool
    periods: int
    pruning_steps: int | None
    divisible: int
    published: bool
    examples: int | None
    runtime: Runtime | None
    seed: int
    device: str


@dataclass(frozen=True, slots=True)
class CompactConfig:
    """How a model is made smaller. Everything that changes the answer, besides model and data, is here."""

    keep: float = 0.5
    """Share of ``cost`` that stays, above 0 and below 1."""
    cost: Cost = "groups"
    """``groups``: of the channels and heads that can go; ``macs`` and ``parameters``: of the whole network."""
    method: str = "hesso"
    epochs: int | None = None
    """Of the whole training; None: about 200,000 images in all, 4 to 20 epochs."""
    batch_size: int = 64
    rates: tuple[float, ...] = ()
    """Peak learning rates; of several each is tried, and validation chooses. None: one that suits the optimiser."""
    optimiser: Optimiser | None = None
    """None: sgd for a network with batch normalisation, adamw for others."""
    flip: bool = False
    """Mirror training images at random; only for data where a mirror image means the same."""
    periods: int = 10
    """In which units fade, of a method that lets them fade."""
    pruning_steps: int | None = None
    """Of training, in which units fade; None: up to a quarter of the whole training, after a tenth of it."""
    divisible: int = 1
    """Every group of channels keeps a multiple of so many."""
    published: bool = False
    """Take the optimiser's own step as the direction of scores, as the released code of HESSO does, instead of the mean
    raw gradient."""
    examples: int | None = None
    """Most training images of the source; None: all."""
    runtime: Runtime | None = None
    """What the models are timed in; None: ONNX Runtime where it is installed, else torch."""
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_share(self.keep)
        method = COMPACTORS[self.method]
        if self.cost not in COSTS:
            raise ConfigurationError(f"a share is one of {', '.join(COSTS)}; got {self.cost!r}")
        check_whole(2, epochs=self.epochs, batch_size=self.batch_size, examples=self.examples)
        check_whole(1, periods=self.periods, pruning_steps=self.pruning_steps, divisible=self.divisible)
        if self.rates:
            check_lengths(self.rates, name="rates", example="(0.01, 0.05)")
        several = method.gradual and not method.cycles
        if several and self.pruning_steps is not None and self.pruning_steps < self.periods:
            raise ConfigurationError(
                f"pruning_steps {self.pruning_steps} cannot hold {self.periods} periods, each of which needs a step; "
                f"give at least {self.periods}, or fewer periods"
            )
        check_seed(self.seed)

    @property
    def goal(self) -> Goal:
        """The share without rounding: 0.7 is 7/10."""
        return Goal(Fraction(str(float(self.keep))), self.cost, self.divisible)

    def epochs_for(self, examples: int) -> int:
        """Of the whole training on so many images."""
        return self.epochs or min(20, max(4, round(IMAGES / max(1, examples))))

    @classmethod
    def of(cls, **settings: Unpack[CompactSettings]) -> "CompactConfig":
        """A configuration from settings by name; ``keep`` may be a text, as on the command line.

        A name that is no setting raises ConfigurationError that lists the settings.
        """
        return configured(cls, "a compaction", settings, {"keep": parse_share})


def check_share(keep: object) -> None:
    """ConfigurationError for what is no share between 0 and 1, or is one as a text."""
    if not isinstance(keep, int | float) or not 0 < keep < 1:
        raise ConfigurationError(
            f"a share to keep is a number above 0 and below 1, as in keep=0.5 or --keep 50%; got {keep!r}"
        )


def parse_share(text: str) -> float:
    """``50%`` or ``0.5`` as 0.5; anything else raises ConfigurationError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)\s*", text)
    if found is None:
        raise ConfigurationError(f"a share to keep {text!r} is not understood; write it as in 50%")
    number = Fraction(found[1])
    if not found[2] and number >= 1:
        raise ConfigurationError(
            f"a share to keep {text!r} is above what there is: write {found[1]}% for percent, or a number below 1"
        )
    share = number / 100 if found[2] else number
    if not 0 < share < 1:
        raise ConfigurationError(
            f"a share to keep {text!r} is not above 0% and below 100%: at 0% nothing is left, at 100% nothing goes"
        )
    return float(share)
