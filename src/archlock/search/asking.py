"""Optimisers that call a function, turned into strategies that ask.

Whoever calls a function cannot be told afterwards. So the optimiser runs on what is known; where it wants to know more,
the run ends there (:class:`Unknown`) and that is asked for. After the answer it runs again, and being deterministic
comes by the same way to the next question.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from archlock.search.digit_codes import DigitCodes, first_of_each
from archlock.search.limits import Overshoot, overshoot_of
from archlock.search.objective import Judgement
from archlock.spaces import Architecture

OVER = 1e3
"""What oversteps the limits is worse than any shortfall."""


class Unknown(Exception):  # noqa: N818  (a question, not an error)
    """The optimiser came to architectures that nobody has judged."""

    def __init__(self, asked: Sequence[Architecture]) -> None:
        super().__init__(f"{len(asked)} architectures")
        self.asked = tuple(asked)


class Answers:
    """What was said of the architectures of a space, by class of isomorphic ones."""

    def __init__(self, codes: DigitCodes, limits: Overshoot | None) -> None:
        self.codes, self.limits = codes, limits
        self._known: dict[Architecture, tuple[float, float]] = {}

    def add(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Remember a judgement."""
        rows = zip(judgement.scores.tolist(), judgement.shortfall.tolist(), strict=True)
        for one, row in zip(architectures, rows, strict=True):
            self._known.setdefault(self.codes.space.canonicalise(one), row)

    def look_up(
        self, points: Float[np.ndarray, "points places"]
    ) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
        """Scores, and by how much floor or limits are missed; raises :class:`Unknown` where a judgement is missing.

        What oversteps the limits is never asked for: its score is 0.
        """
        architectures = self.codes.architectures(points)
        over = overshoot_of(self.limits, architectures)
        classes = [self.codes.space.canonicalise(one) for one in architectures]
        missing = [
            one
            for one, key, above in zip(architectures, classes, over, strict=True)
            if above == 0 and key not in self._known
        ]
        if missing:
            raise Unknown(first_of_each(self.codes.space, missing))
        rows = [
            (0.0, OVER + above) if above > 0 else self._known[key] for key, above in zip(classes, over, strict=True)
        ]
        scores, missed = np.array(rows).reshape(-1, 2).T
        return scores, missed


def next_question(run: Callable[[], object]) -> tuple[Architecture, ...]:
    """What the optimiser wants to know; nothing if it comes to its end."""
    try:
        run()
    except Unknown as question:
        return question.asked
    return ()
