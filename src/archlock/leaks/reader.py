"""What every reader promises: taught by observations of networks that are known, it reads the operators of others."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from archlock.errors import ConfigurationError
from archlock.leaks.observation import Observation
from archlock.leaks.operators import Operator


@dataclass(frozen=True, slots=True)
class Lesson:
    """One network that a reader is taught by."""

    observation: Observation
    operators: tuple[Operator, ...]
    """All of them in order, seen or not."""
    rows: tuple[int, ...]
    """Numbers of the operators that the observation has a row for."""

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.observation):
            raise ConfigurationError(
                f"a lesson has an operator for each row; got {len(self.rows)} for {len(self.observation)} rows"
            )

    @property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """Of each row the kinds that it stands for: its own, and those of the operators after it that are not seen."""
        ends = (*self.rows[1:], len(self.operators))
        return tuple(
            tuple(one.kind for one in self.operators[row:end]) for row, end in zip(self.rows, ends, strict=True)
        )

    @property
    def details(self) -> tuple[tuple[int, int] | None, ...]:
        """Of each row (kernel, stride), None where there is no kernel."""
        return tuple(
            (one.kernel, one.stride) if one.kernel else None for one in (self.operators[row] for row in self.rows)
        )


@dataclass(frozen=True, slots=True)
class Read:
    """What is read in one row of an observation."""

    kinds: tuple[str, ...]
    """The operator, and those that follow unseen."""
    kernel: int = 0
    stride: int = 1
    likely: int = 1
    """How many (kernel, stride) the reader cannot rule out."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of one observation."""

    rows: tuple[Read, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The operators in their order."""
        return tuple(kind for row in self.rows for kind in row.kinds)


class FittedReader(ABC):
    """A reader that has been taught."""

    training_accuracy: float
    """Share of what it was taught by that it reads rightly: a reader for which this is low has learned nothing."""

    @abstractmethod
    def read(self, observation: Observation) -> Reading:
        """The operators of an observation of the same observer."""

    def read_all(self, observations: Sequence[Observation]) -> tuple[Reading, ...]:
        """As :meth:`read` of each; a reader for which many at once are cheaper says so here."""
        return tuple(self.read(one) for one in observations)


class Reader(ABC):
    """A way to learn to read. Members are stateless."""

    name: str
    summary: str
    """What it is, in a few words."""
    paper: str

    @abstractmethod
    def fit(self, lessons: Sequence[Lesson], *, seed: int) -> FittedReader:
        """Teach it; the same lessons in the same order and the same seed give the same reader."""
