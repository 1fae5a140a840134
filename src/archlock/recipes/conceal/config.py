"""How much slower a hidden model may be, by what means, and against whom, in one frozen record."""

import re
from dataclasses import dataclass
from typing import TypedDict, Unpack

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.leaks import OBSERVERS, READERS
from archlock.models import MANOEUVRES
from archlock.recipes.checking import check_names, check_seed, check_whole
from archlock.recipes.peep.config import FEWEST, check_observers
from archlock.recipes.settings import configured

MOST = 100.0
"""Times as slow: more than that is a slip of the finger."""


def parse_slowdown(text: str) -> float:
    """``1.5x`` as 1.5; anything else raises ConfigurationError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*[xX]\s*", text)
    if found is None:
        raise ConfigurationError(
            f"budget {text!r} is not understood; write how many times as slow the model may be, for example 1.5x"
        )
    return float(found[1])


class ConcealSettings(TypedDict, total=False):
    """The settings by name, for type checkers and editors; what each means, ConcealConfig says."""

    budget: float | str
    manoeuvres: tuple[str, ...]
    observers: tuple[str, ...]
    networks: int
    rounds: int
    plans: int
    recordings: int
    worse: int
    reader: str
    seed: int


@dataclass(frozen=True, slots=True)
class ConcealConfig:
    """Everything that changes the answer, besides the model, the images and the machine."""

    budget: float = 1.5
    """Latency of the hidden model over that of the model as it was given, at most; also as a text, ``1.5x``."""
    manoeuvres: tuple[str, ...] = ()
    """By name; none: all but those that are simulated. Normalisation is folded always."""
    observers: tuple[str, ...] = ("timer",)
    """Against whom; where there are several, the one who reads best counts."""
    networks: int = 140
    """Random networks that every reader is taught and checked by, recorded anew for every policy."""
    rounds: int = 3
    """Of search: disguises are sampled, a reader is taught on networks that are disguised alike, the policy learns."""
    plans: int = 24
    """Disguises of the model that are tried in a round."""
    recordings: int = 3
    """Of the model before and after, each in a process of its own."""
    worse: int = 1
    """Of so many of the best disguises the one is taken whose visible architecture trains worst on the source; 1: the
    best, and nothing is trained."""
    reader: str = "windowed_trees"
    seed: int = 0

    def __post_init__(self) -> None:
        number = isinstance(self.budget, int | float) and not isinstance(self.budget, bool)
        if not number or not 1 <= self.budget <= MOST:
            raise ConfigurationError(
                f"a budget is how many times as slow the model may be, from 1 to {MOST:g}, as in 1.5x; got "
                f"{self.budget!r}"
            )
        check_names("manoeuvres", self.manoeuvres, MANOEUVRES)
        for name in self.manoeuvres:
            _ = MANOEUVRES[name]
        check_observers(self.observers)
        if not self.observers:
            raise ConfigurationError("nobody observes; name at least one observer, as in observers=('timer',)")
        for name in self.observers:
            if not OBSERVERS[name].sees_operators:
                raise UnsupportedError(
                    f"{name} sees no operators, so no reader can be misled; choose from "
                    f"{', '.join(one.name for one in OBSERVERS.values() if one.sees_operators)}"
                )
        check_whole(FEWEST, networks=self.networks)
        check_whole(1, rounds=self.rounds, plans=self.plans, recordings=self.recordings, worse=self.worse)
        check_seed(self.seed)
        _ = READERS[self.reader]

    @property
    def chosen(self) -> tuple[str, ...]:
        """The manoeuvres in the order of the catalog, folding among them."""
        return tuple(
            name
            for name, one in MANOEUVRES.items()
            if one.always or name in self.manoeuvres or not (self.manoeuvres or one.simulated)
        )

    @property
    def watching(self) -> tuple[str, ...]:
        """The observers in the order of the catalog."""
        return tuple(name for name in OBSERVERS if name in self.observers)

    @property
    def arena(self) -> bool:
        """Whether what observers see of memory is simulated."""
        return "arena" in self.chosen

    @classmethod
    def of(cls, **settings: Unpack[ConcealSettings]) -> "ConcealConfig":
        """A configuration from settings by name; one that is no setting raises ConfigurationError that lists them."""
        return configured(cls, "a concealment", settings, {"budget": parse_slowdown})
