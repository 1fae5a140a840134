"""How sure a figure over pairs of tasks is: the delete-one-task jackknife.

Pairs that share a task are not independent: 42 ordered pairs of 7 tasks are 7 tasks crossed. So tasks are left out, one
in turn, each with all of its pairs, whether it is their source or their target (Efron and Tibshirani 1993, chapter 11;
over the vertices of a network: Snijders and Borgatti 1999). The statistic may be any function of the pairs that are
kept, a ratio too. Seeds that all pairs have in common are left out in the same way, and their variance is added.

Intervals are t intervals with (tasks - 1) degrees of freedom. Coverage of the nominal 95 % interval of a mean, measured
with random effects of source, target, pair and seed in seven mixtures (``tests/unit/test_jackknife.py`` repeats it):

=====================================  ==============  ========================
tasks                                  this interval   bootstrap over the pairs
=====================================  ==============  ========================
7 crossed (42 pairs)                   0.95 to 0.99    0.43 to 0.90
3 crossed (6 pairs)                    0.96 to 1.00    0.53 to 0.93
3 sources and 4 other targets          0.94 to 1.00    0.58 to 0.90
3 sources, 4 targets each, of 5 tasks  0.94 to 1.00    not measured
=====================================  ==============  ========================

Where sources are few, targets many, and the sources are what differs, it is somewhat narrow (0.89 with 3 and 12). It
errs on the wide side where single pairs or seeds are noisier than tasks: their noise is counted about twice. A
two-way cluster bootstrap over the same tasks covers 0.50 to 0.60 with three tasks and 0.79 to 0.88 with seven.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool

LEAST_TASKS: Final = 3
"""Different sources, and different targets, without which there is no interval over tasks."""
LEAST_REPEATS: Final = 2
CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard error of a figure, in the figure's unit, and the degrees of freedom that it was estimated with."""

    error: float
    freedom: int

    @property
    def half_width(self) -> float:
        """Half of the two-sided 95 % t interval."""
        from scipy.stats import t

        return self.error * float(t.ppf((1 + CONFIDENCE) / 2, self.freedom))

    def beside(self, other: "Spread | None") -> "Spread":
        """With the variance of an independent cause added; the degrees of freedom stay those of this one."""
        return self if other is None else Spread(float(np.hypot(self.error, other.error)), self.freedom)


def enough_tasks(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether pairs (source, target) have at least three different sources and three different targets."""
    return all(len(set(margin)) >= LEAST_TASKS for margin in zip(*pairs, strict=True)) if pairs else False


def over_tasks(
    pairs: Sequence[tuple[str, str]], statistic: Callable[[Bool[np.ndarray, " pairs"]], float | None]
) -> Spread | None:
    """Spread of a statistic over the tasks of the pairs (source, target), all different.

    ``statistic`` is given which pairs are kept, and may answer None where it does not exist. None with fewer than three
    sources or targets (:func:`enough_tasks`), and where the statistic does not exist without some task.
    """
    if not enough_tasks(pairs):
        return None
    sources, targets = (np.array(margin) for margin in zip(*pairs, strict=True))
    left = []
    for task in dict.fromkeys((*sources, *targets)):
        kept = (sources != task) & (targets != task)
        left.append(statistic(kept) if kept.any() else None)
    return _spread(left)


def over_repeats(count: int, statistic: Callable[[int], float | None]) -> Spread | None:
    """Spread of a statistic over independent repetitions; ``statistic`` is given the place that is left out.

    For a mean this is the ordinary standard error. None for fewer than two, or where the statistic does not exist.
    """
    return _spread([statistic(place) for place in range(count)]) if count >= LEAST_REPEATS else None


def _spread(left: Sequence[float | None]) -> Spread | None:
    if any(one is None for one in left):
        return None
    found, count = np.array(left, dtype=float), len(left)
    return Spread(float(np.sqrt((count - 1) / count * ((found - found.mean()) ** 2).sum())), count - 1)
