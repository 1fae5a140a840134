"""Judge every architecture: the right strategy wherever the whole space can be scored, a matter of a second."""

from collections.abc import Sequence
from itertools import islice

from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.spaces import Architecture, Space


class Exhaustive(Strategy):
    """Streams the space in ascending order of code, one representative of every isomorphism class, in chunks."""

    def __init__(self, space: Space, *, chunk: int = 4096, seed: int = 0) -> None:  # noqa: ARG002  (see StrategyMaker)
        self.space = space
        self._chunk = chunk
        self._rest = (a for a in space.enumerate() if space.canonicalise(a) == a)

    def ask(self) -> Sequence[Architecture]:
        """The next chunk."""
        return tuple(islice(self._rest, self._chunk))

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Nothing depends on it."""
