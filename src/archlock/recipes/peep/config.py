"""Who observes a model, and how their reader is taught, in one frozen record."""

from dataclasses import dataclass
from typing import TypedDict, Unpack

from archlock.errors import ConfigurationError
from archlock.leaks import GENERATORS, OBSERVERS, READERS
from archlock.recipes.checking import check_names, check_seed, check_whole
from archlock.recipes.settings import configured

FEWEST = 5 * len(GENERATORS)
"""Networks below which a reader has hardly seen every family: four of each to learn from and one to check."""


def check_observers(observers: tuple[str, ...]) -> None:
    """ConfigurationError for what are no names of observers."""
    check_names("observers", observers, OBSERVERS)
    for name in observers:
        _ = OBSERVERS[name]


class PeepSettings(TypedDict, total=False):
    """The settings by name, for type checkers and editors; what each means, PeepConfig says."""

    observers: tuple[str, ...]
    networks: int
    recordings: int
    reader: str
    noise: float
    seed: int


@dataclass(frozen=True, slots=True)
class PeepConfig:
    """Everything that changes the answer, besides the model and the machine."""

    observers: tuple[str, ...] = ()
    """By name; none: all."""
    networks: int = 250
    """Random networks that are recorded; a fifth of them only checks the reader."""
    recordings: int = 3
    """Of the model, each in a process of its own."""
    reader: str = "windowed_trees"
    noise: float = 0.0
    """Simulated: deviation of the logarithm of a factor on every time."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_observers(self.observers)
        check_whole(FEWEST, networks=self.networks)
        check_whole(1, recordings=self.recordings)
        check_seed(self.seed)
        _ = READERS[self.reader]
        if isinstance(self.noise, bool) or not isinstance(self.noise, int | float) or not 0 <= self.noise <= 10:
            raise ConfigurationError(f"noise is a number from 0 to 10, for example 0.1; got {self.noise!r}")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The observers in the order of the catalog."""
        return tuple(name for name in OBSERVERS if not self.observers or name in self.observers)

    @classmethod
    def of(cls, **settings: Unpack[PeepSettings]) -> "PeepConfig":
        """A configuration from settings by name; one that is no setting raises ConfigurationError that lists them."""
        return configured(cls, "a peep", settings, {})
