"""What a search strategy is: it asks for architectures to be judged and is told what was said of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from archlock.search.limits import Overshoot
from archlock.search.objective import Judgement
from archlock.spaces import Architecture, Space


class Strategy(ABC):
    """Ask, tell, ask, tell ... A strategy never calls the objective and keeps no result: :func:`search` does both."""

    space: Space

    @abstractmethod
    def ask(self) -> Sequence[Architecture]:
        """Architectures to be judged next, of ``space``; empty when the strategy is finished.

        It may ask for one it has asked for before (it is told the same again), which costs no evaluation.
        """

    @abstractmethod
    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """The judgement of what was asked for last, or of the first few of them when the budget ended there."""


@runtime_checkable
class StrategyMaker(Protocol):
    """What the catalog ``archlock.search.STRATEGIES`` holds."""

    def __call__(self, space: Space, *, seed: int) -> Strategy:
        """A fresh strategy for the space; the same seed and judgements give the same questions."""
        ...


@runtime_checkable
class LimitedMaker(Protocol):
    """What the catalog ``archlock.search.KEEPING`` holds."""

    def __call__(self, space: Space, *, limits: Overshoot | None = None, seed: int) -> Strategy:
        """A fresh strategy that asks for nothing that oversteps the limits."""
        ...
