"""SHGO (Endres, Sandrock and Focke 2018), by SciPy: a reproduction of how FLASH searches, for at most five variables.

FLASH (Li, Mandal, Ogras, Marculescu 2021) relaxes widths, depths and skips to real numbers, runs SHGO with few points,
runs it again in a smaller box around the best, and rounds. Here the same: Sobol points, boxes that are halved, rounding
inside the objective. It is not the way to search: in nine variables SHGO's triangulation does not end, and on a problem
like FLASH's differential evolution found better networks at equal cost (``differential_evolution``). Deviations: floor
and limits are a penalty (SHGO's own constraints are often violated), and local steps are those of COBYLA, of one digit
at first, since rounded objectives have no gradients.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from archlock.errors import UnsupportedError
from archlock.search.asking import Answers, next_question
from archlock.search.digit_codes import digit_codes
from archlock.search.limits import Overshoot, smallest_within
from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.seeding import rng_for
from archlock.spaces import Architecture, Space

MOST_VARIABLES: Final = 5
POINTS: Final = 32
"""Sampled in every box."""
PENALTY: Final = 1e6
"""Of what misses floor or limits, before the shortfall: worse than any score."""


class Shgo(Strategy):
    """A box at a time: its Sobol points first, then local steps one by one. The seed only says where boxes begin."""

    def __init__(self, space: Space, *, limits: Overshoot | None = None, seed: int) -> None:
        """A space with more than five digits, or with codes of several lengths, raises UnsupportedError; limits that
        nothing meets SearchError.
        """
        self.space = space
        self._codes = digit_codes(space, "shgo")
        if self._codes.places > MOST_VARIABLES:
            raise UnsupportedError(
                f"shgo is a reproduction for at most {MOST_VARIABLES} variables, and {space.name} has "
                f"{self._codes.places}: use differential_evolution or regularised_evolution there"
            )
        rng = rng_for(seed, "shgo")
        if limits is not None:
            smallest_within(space, limits, rng)
        self._answers = Answers(self._codes, limits)
        self._width = self._codes.highest
        self._low = rng.uniform(-0.5, 0.0, size=self._codes.places)

    def ask(self) -> Sequence[Architecture]:
        """What the present box wants to know; empty when the smallest box is done."""
        if not self._codes.highest.any():  # an optimiser needs something to vary
            return next_question(lambda: self._answers.look_up(np.zeros((1, self._codes.places))))
        while self._width.max() >= 1:
            if question := next_question(self._box):
                return question
        return ()

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Remembered for the next run."""
        self._answers.add(architectures, judgement)

    def _box(self) -> None:
        """The best of this box becomes the middle of the next one, which is half as wide."""
        from scipy.optimize import Bounds, shgo

        def energy(point: Float[np.ndarray, " places"]) -> float:
            (score,), (missed,) = self._answers.look_up(point[None])
            return float(-score if missed == 0 else PENALTY * (1 + missed))

        high = self._low + self._width
        self._answers.look_up(self._points())
        found = shgo(
            energy,
            Bounds(self._low, high),
            n=POINTS,
            iters=1,
            sampling_method="sobol",
            minimizer_kwargs={"method": "COBYLA", "options": {"rhobeg": 1.0, "tol": 0.5, "maxiter": 20}},
        )
        self._width = self._width / 2
        middle = np.rint(found.x) if found.x is not None else self._low + self._width
        self._low = np.clip(middle - self._width / 2, -0.5, self._codes.highest + 0.5 - self._width)

    def _points(self) -> Float[np.ndarray, "points places"]:
        """The points that SHGO is going to sample in the box."""
        from scipy.stats import qmc

        sampled = qmc.Sobol(self._codes.places, scramble=False).random(POINTS)
        return np.asarray(self._low + self._width * sampled)
