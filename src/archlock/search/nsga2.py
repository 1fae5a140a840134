"""NSGA-II (Deb et al., IEEE Transactions on Evolutionary Computation 2002), by pymoo, on the two sides of a judgement.

Score (up) and shortfall (down) are two objectives, so the population spreads along their trade-off: from architectures
that just keep the source floor to those that lock more and miss it. What is found is still what keeps the floor.

Every digit of a code (edge of a cell, axis of a skeleton) is one categorical decision: uniform crossover, and a
mutation that redraws one of them in the mean. Only spaces whose codes all have the same number of digits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from archlock.extras import require
from archlock.search.digit_codes import DigitCodes, digit_codes
from archlock.search.objective import Judgement
from archlock.search.strategy import Strategy
from archlock.seeding import derive_seed
from archlock.spaces import Architecture, Space


class Nsga2(Strategy):
    """A generation is asked for at once; offspring that are already in the population are bred again by pymoo."""

    def __init__(
        self, space: Space, *, population: int = 40, first: Sequence[Architecture] | None = None, seed: int
    ) -> None:
        """``first`` is the first generation; None: sampled uniformly.

        A space with codes of several lengths raises :class:`~archlock.errors.UnsupportedError`.
        """
        self.space: Space = space
        self._codes = digit_codes(space, "nsga2")
        begin = None if first is None else self._codes.points(first).astype(int)
        self._algorithm = _algorithm(self._codes, population, begin, derive_seed(seed, "nsga2"))
        self._asked: Any = None

    def ask(self) -> Sequence[Architecture]:
        """The next generation; empty when nothing new can be bred."""
        self._asked = self._algorithm.ask()
        if self._asked is None:
            return ()
        return tuple(self._codes.architectures(self._asked.get("X").astype(float)))

    def tell(self, architectures: Sequence[Architecture], judgement: Judgement) -> None:
        """Those that were judged join the population; survival is by front and crowding distance."""
        place = {architecture.code: row for row, architecture in enumerate(architectures)}
        codes = [one.code for one in self._codes.architectures(self._asked.get("X").astype(float))]
        judged = self._asked[[row for row, code in enumerate(codes) if code in place]]
        rows = [place[code] for code in codes if code in place]
        judged.set("F", np.stack([-judgement.scores[rows], judgement.shortfall[rows]], axis=1))
        self._algorithm.evaluator.eval(self._algorithm.problem, judged, evaluate_values_of=[])
        self._algorithm.tell(infills=judged)


def _algorithm(codes: DigitCodes, population: int, first: np.ndarray | None, seed: int) -> Any:
    require("baselines", "the strategy nsga2")
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.core.termination import NoTermination
    from pymoo.core.variable import Choice
    from pymoo.operators.crossover.ux import UniformCrossover
    from pymoo.operators.mutation.rm import ChoiceRandomMutation
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    highest = np.array(codes.levels) - 1
    problem = Problem(n_var=codes.places, n_obj=2, xl=np.zeros_like(highest), xu=highest, vtype=int)
    problem.vars = {str(place): Choice(options=list(range(level))) for place, level in enumerate(codes.levels)}
    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling() if first is None else first,
        crossover=UniformCrossover(),
        mutation=ChoiceRandomMutation(),
    )
    return algorithm.setup(problem, termination=NoTermination(), seed=seed)
