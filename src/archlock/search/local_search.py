"""Hill climbing with restarts (White et al., UAI 2021, "Exploring the loss landscape in neural architecture search").

All neighbours of the best so far are judged; if one is better the climb goes on from the best of them, otherwise it
starts again from a random architecture.
"""

from collections.abc import Sequence

from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space


class LocalSearch(Strategy):
    """Steepest ascent; infeasible architectures climb towards the floor first."""

    def __init__(self, space: Space, *, seed: int) -> None:
        self.space = space
        self._rng = rng_for(seed, "local search")
        self._summit: tuple[tuple[float, float], Architecture] | None = None

    def ask(self) -> Sequence[Architecture]:
        """A random start, or all neighbours of the current summit."""
        if self._summit is None:
            return (self.space.sample(self._rng),)
        return self.space.neighbours(self._summit[1])

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Climb, or give up this hill."""
        best = max(zip(judgement.keys(), architectures, strict=True))
        self._summit = best if self._summit is None or best[0] > self._summit[0] else None
