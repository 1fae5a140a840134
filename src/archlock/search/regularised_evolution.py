"""Regularised (ageing) evolution (Real et al., AAAI 2019), with the settings of the published ArchLock.

Published: population 10, tournament sample 10, one mutated edge, 40 evaluations (the budget is given to ``search``),
and a floor on the source. Three deviations: an infeasible candidate is not thrown away and made again without a limit,
but ranks below every feasible one, nearer misses first; a child that was there before is made again a limited number
of times and then replaced by a random architecture; the tournament draws without replacement.
"""

from collections import deque
from collections.abc import Sequence

from archlock.errors import ConfigurationError
from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space


class RegularisedEvolution(Strategy):
    """The best of a random sample of the population has a child; the child joins and the oldest member leaves."""

    def __init__(
        self, space: Space, *, population: int = 10, tournament: int = 10, retries: int = 100, seed: int
    ) -> None:
        """A tournament larger than the population, or sizes below 1, raise ConfigurationError."""
        if not 1 <= tournament <= population:
            raise ConfigurationError(
                f"a tournament has between 1 and population ({population}) members; got {tournament}"
            )
        self.space = space
        self._population = population
        self._tournament = tournament
        self._retries = retries
        self._rng = rng_for(seed, "regularised evolution")
        self._members: deque[tuple[tuple[float, float], Architecture]] = deque(maxlen=population)
        self._seen: set[Architecture] = set()

    def ask(self) -> Sequence[Architecture]:
        """The first population at random, then one child at a time."""
        if len(self._members) < self._population:
            return tuple(self.space.sample(self._rng) for _ in range(self._population - len(self._members)))
        chosen = self._rng.choice(self._population, size=self._tournament, replace=False)
        parent = max(self._members[int(index)] for index in chosen)[1]
        return (self._child(parent),)

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """They join the population; the oldest leave."""
        self._members.extend(zip(judgement.keys(), architectures, strict=True))
        self._seen.update(map(self.space.canonicalise, architectures))

    def _child(self, parent: Architecture) -> Architecture:
        child = parent
        for attempt in range(2 * self._retries):
            mutated = attempt < self._retries
            child = self.space.mutate(parent, self._rng) if mutated else self.space.sample(self._rng)
            if self.space.canonicalise(child) not in self._seen:
                break
        return child
