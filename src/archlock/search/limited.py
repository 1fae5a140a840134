"""Any strategy within limits: what oversteps them is struck from what it asks, so that nobody pays for it."""

from collections.abc import Sequence
from typing import Final

from archlock.search.limits import Overshoot, overshoot_of
from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.spaces import Architecture

PATIENCE: Final = 1000
"""A strategy that asks this often in a row for nothing within the limits is finished."""


class Limited(Strategy):
    """For strategies that know no limits: they learn of what is within them, and of nothing else."""

    def __init__(self, strategy: Strategy, limits: Overshoot) -> None:
        self.space = strategy.space
        self._strategy, self._limits = strategy, limits

    def ask(self) -> Sequence[Architecture]:
        """What the strategy asks, without what oversteps the limits; it is asked again where that leaves nothing."""
        for _ in range(PATIENCE):
            asked = tuple(self._strategy.ask())
            within = overshoot_of(self._limits, asked) == 0
            if within.any() or not asked:
                return tuple(one for one, keep in zip(asked, within, strict=True) if keep)
        return ()

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Passed on."""
        self._strategy.tell(architectures, judgement)
