"""Differential evolution (Storn and Price 1997), by SciPy, on the digits of a code as whole numbers, with constraints.

Digits are ordered (channels, kernel sizes), which suits spaces of sizes; for cells, whose digits are names, evolution
by mutation is the better choice. Source floor and limits are constraints: what keeps them goes before what does not,
and what misses less before what misses more (Lampinen 2002).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import ConfigurationError
from archlock.search.asking import Answers, next_question
from archlock.search.digit_codes import digit_codes
from archlock.search.limits import Overshoot, smallest_within
from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space

STALLED: Final = 20
"""A population that has had so many generations without anything new is scattered again ..."""
PATIENCE: Final = 50
"""... and where so many populations in a row brought nothing new, there is nothing new to ask."""


class DifferentialEvolution(Strategy):
    """A generation is asked for at once, without those of its members that are known.

    SciPy calls a function and cannot be told afterwards, so it makes one generation at a time from the members so far;
    where a judgement is missing the generation is given up, asked for, and made again by the same chance.
    """

    def __init__(self, space: Space, *, limits: Overshoot | None = None, population: int = 30, seed: int) -> None:
        """A population below 5 raises ConfigurationError, a space with codes of several lengths UnsupportedError, and
        limits that nothing meets SearchError.
        """
        if population < 5:
            raise ConfigurationError(f"differential evolution needs a population of at least 5; got {population}")
        self.space = space
        self._codes = digit_codes(space, "differential_evolution")
        self._answers = Answers(self._codes, limits)
        self._rng = rng_for(seed, "differential evolution")
        if limits is not None:
            smallest_within(space, limits, rng_for(seed, "differential evolution", "limits"))
        self._shape = (population, self._codes.places)
        self._members = self._scattered()

    def ask(self) -> Sequence[Architecture]:
        """Those of the next generation that nobody has judged; empty when there is nothing new."""
        if not self._codes.highest.any():  # an optimiser needs something to vary
            return next_question(lambda: self._answers.look_up(self._members[:1]))
        for _ in range(PATIENCE):
            for _ in range(STALLED):
                chance = self._rng.bit_generator.state
                if question := next_question(self._generation):
                    self._rng.bit_generator.state = chance
                    return question
                if (self._members == self._members[0]).all():
                    break
            self._members = self._scattered()
        return ()

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Remembered for the generation that is made again."""
        self._answers.add(architectures, judgement)

    def _scattered(self) -> Float[np.ndarray, "members places"]:
        return self._rng.integers(0, self._codes.levels, size=self._shape).astype(float)

    def _generation(self) -> None:
        from scipy.optimize import Bounds, NonlinearConstraint, differential_evolution

        def missed(points: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
            if points.ndim == 1:  # SciPy asks once how many constraints there are, and once more of the result
                return np.zeros(1)
            return self._answers.look_up(points.T)[1][None]

        def energy(points: Float[np.ndarray, "places points"]) -> Float[np.ndarray, " points"]:
            return -self._answers.look_up(points.T)[0]

        highest = self._codes.highest
        made = differential_evolution(
            energy,  # type: ignore[arg-type]  # (typed for one point at a time; vectorized, it is given all)
            Bounds(np.zeros_like(highest), highest),
            integrality=[True] * len(highest),
            constraints=NonlinearConstraint(missed, -np.inf, 0.0),
            init=self._members,
            maxiter=1,
            tol=0.0,
            polish=False,
            vectorized=True,
            updating="deferred",
            rng=self._rng,
        )
        self._members = np.rint(made.population)
