"""Regularised (ageing) evolution (Real et al., AAAI 2019), with the settings of the published ArchLock.

Published: population 10, tournament sample 10, one mutated edge, 40 evaluations (the budget is given to ``search``),
and a floor on the source. Three deviations: an infeasible candidate is not thrown away and made again without a limit,
but ranks below every feasible one, nearer misses first; a child that was there before, or oversteps limits, is made
again a limited number of times and then replaced by a random architecture; the tournament draws without replacement.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from archlock.errors import ConfigurationError
from archlock.search.limits import Overshoot, overshoot_of, smallest_within
from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space

_DRAWS: Final = 10_000
"""Random architectures among which a first population within limits is looked for."""


class RegularisedEvolution(Strategy):
    """The best of a random sample of the population has a child; the child joins and the oldest member leaves."""

    def __init__(
        self,
        space: Space,
        *,
        limits: Overshoot | None = None,
        population: int = 10,
        tournament: int = 10,
        retries: int = 100,
        seed: int,
    ) -> None:
        """A tournament larger than the population, or sizes below 1, raise ConfigurationError; limits that nothing
        meets SearchError.
        """
        if not 1 <= tournament <= population:
            raise ConfigurationError(
                f"a tournament has between 1 and population ({population}) members; got {tournament}"
            )
        self.space = space
        self._limits = limits
        if limits is not None:
            smallest_within(space, limits, rng_for(seed, "regularised evolution", "limits"))
        self._population = population
        self._tournament = tournament
        self._retries = retries
        self._rng = rng_for(seed, "regularised evolution")
        self._members: deque[tuple[tuple[float, float], Architecture]] = deque(maxlen=population)
        self._seen: set[Architecture] = set()

    def ask(self) -> Sequence[Architecture]:
        """The first population at random, then one child at a time; nothing if none within the limits is met."""
        if missing := self._population - len(self._members):
            sampled = (self.space.sample(self._rng) for _ in range(missing if self._limits is None else _DRAWS))
            return tuple(islice((one for one in sampled if self._within(one)), missing))
        chosen = self._rng.choice(self._population, size=self._tournament, replace=False)
        parent = max(self._members[int(index)] for index in chosen)[1]
        child = self._child(parent)
        return (child,) if self._within(child) else ()

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """They join the population; the oldest leave."""
        self._members.extend(zip(judgement.keys(), architectures, strict=True))
        self._seen.update(map(self.space.canonicalise, architectures))

    def _child(self, parent: Architecture) -> Architecture:
        child = parent
        for attempt in range(2 * self._retries):
            mutated = attempt < self._retries
            child = self.space.mutate(parent, self._rng) if mutated else self.space.sample(self._rng)
            if self.space.canonicalise(child) not in self._seen and self._within(child):
                break
        return child

    def _within(self, architecture: Architecture) -> bool:
        return self._limits is None or float(overshoot_of(self._limits, [architecture])[0]) == 0
