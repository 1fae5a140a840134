"""Uniform random architectures: the baseline that every strategy has to beat."""

from collections.abc import Sequence

from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space


class RandomSampling(Strategy):
    """Draws with replacement, so rare classes of isomorphic architectures stay as rare as they are in the space."""

    def __init__(self, space: Space, *, chunk: int = 10, seed: int) -> None:
        self.space = space
        self._chunk = chunk
        self._rng = rng_for(seed, "random sampling")

    def ask(self) -> Sequence[Architecture]:
        """As many fresh draws as a chunk has."""
        return tuple(self.space.sample(self._rng) for _ in range(self._chunk))

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Nothing depends on it."""
