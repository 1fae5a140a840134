"""Which adversaries, within which epsilons and how hard, in one frozen record."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypedDict, Unpack

from archlock.adversaries import ADVERSARIES, NORMS, Effort, Norm, check_epsilon
from archlock.errors import ConfigurationError
from archlock.recipes.checking import check_names, check_seed, check_whole
from archlock.recipes.settings import configured

USUAL: Final[Mapping[Norm, tuple[float, ...]]] = {"linf": (2 / 255, 4 / 255, 8 / 255), "l2": (0.25, 0.5, 1.0)}
"""Epsilons where none are named."""


class RobustnessSettings(TypedDict, total=False):
    """The settings by name, for type checkers and editors; what each means, RobustnessConfig says."""

    epsilons: tuple[float, ...] | str
    adversaries: tuple[str, ...]
    norm: Norm
    images: int
    steps: int
    restarts: int
    queries: int
    seed: int
    device: str


@dataclass(frozen=True, slots=True)
class RobustnessConfig:
    """Who perturbs images, how far and how hard. Everything that changes the answer, besides model and data."""

    epsilons: tuple[float, ...] = ()
    """Shares of the range [0, 1] of images, in any order; none: the usual ones of the norm. 0 is the image itself."""
    adversaries: tuple[str, ...] = ()
    """By name; none: every one that knows the norm."""
    norm: Norm = "linf"
    images: int = 1000
    """Most test images, chosen by the seed."""
    steps: int = 100
    """Of a climb along gradients (pgd, apgd)."""
    restarts: int = 1
    """Climbs from different beginnings (pgd: the first begins at the image; apgd: on each of its two losses)."""
    queries: int = 1000
    """Answers that square may ask for, for one image."""
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise ConfigurationError(f"unknown norm {self.norm!r}; known: {', '.join(NORMS)}")
        if not isinstance(self.epsilons, tuple):
            raise ConfigurationError(f"epsilons are several numbers, as in (2 / 255, 4 / 255); got {self.epsilons!r}")
        for epsilon in self.epsilons:
            check_epsilon(epsilon, self.norm)
        check_names("adversaries", self.adversaries, ADVERSARIES)
        unable = [name for name in self.adversaries if self.norm not in ADVERSARIES[name].norms]
        if unable:
            raise ConfigurationError(
                f"{', '.join(unable)} is not here in the norm {self.norm!r}; leave it out, or take --norm linf"
            )
        check_whole(1, images=self.images)
        check_seed(self.seed)
        _ = self.effort

    @property
    def effort(self) -> Effort:
        """How hard adversaries try."""
        return Effort(self.steps, self.restarts, self.queries)

    @property
    def rising(self) -> tuple[float, ...]:
        """The epsilons, each once, rising."""
        return tuple(sorted({float(epsilon) for epsilon in self.epsilons or USUAL[self.norm]}))

    @property
    def chosen(self) -> tuple[str, ...]:
        """The adversaries in the order of the catalog."""
        asked = self.adversaries or [name for name, one in ADVERSARIES.items() if self.norm in one.norms]
        return tuple(name for name in ADVERSARIES if name in asked)

    @classmethod
    def of(cls, **settings: Unpack[RobustnessSettings]) -> "RobustnessConfig":
        """A configuration from settings by name; ``epsilons`` may be a text, as on the command line.

        A name that is no setting raises ConfigurationError that lists the settings.
        """
        return configured(cls, "a robustness evaluation", settings, {"epsilons": parse_epsilons})


def parse_epsilons(text: str) -> tuple[float, ...]:
    """``2/255,0.03`` as numbers; what is none raises ConfigurationError. Whether they can be meant is not judged."""
    return tuple(_epsilon(part.strip(), text) for part in text.split(","))


def _epsilon(part: str, text: str) -> float:
    over, _, under = part.partition("/")
    try:
        found = float(over) / (float(under) if under or "/" in part else 1.0)
    except (ValueError, ZeroDivisionError):
        found = math.nan
    if math.isnan(found):
        raise ConfigurationError(
            f"epsilons {text!r} are not understood; write numbers or fractions with commas, for example 2/255,4/255"
        )
    return found
