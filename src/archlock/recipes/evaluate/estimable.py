"""Whether a source floor can be estimated at all on a table, said before anything runs.

Two rules. **Few architectures**: with fewer than 20 different ones above the floor, what is possible there (the lowest
target percentile, the expectation of a random one) hangs on single trainings. **Few trainings**: a method that has
trained n of the N architectures at random knows the share p above the floor with the standard error
sqrt(p (1 - p) / n * (N - n) / (N - 1)) (Cochran 1977, section 3.2). If that is more than half of p, the share may as
well be twice as large, or next to nothing; roughly, fewer than four trained architectures can be expected above the
floor. Trainings are counted with the finalists and short ones as if they were full ones, so the rule is a mild one.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Final

from archlock.recipes.evaluate.contenders import Contender
from archlock.reports import FloorValue

FEWEST: Final = 20
"""Different architectures above a floor, below which it is said that they are few."""
LARGEST_ERROR: Final = 0.5
"""Standard error of the share above the floor, as a part of it, above which the floor is said to be unknowable."""


def relative_error(share: float, trainings: int, architectures: int) -> float:
    """Standard error of a share in (0, 1] that is estimated from some of all architectures, as a part of the share.

    Infinite without a training, 0 where all architectures were trained.
    """
    if trainings < 1:
        return float("inf")
    if trainings >= architectures:
        return 0.0
    missing = (architectures - trainings) / (architectures - 1)
    return sqrt((1 - share) / share / trainings * missing)


def doubts(
    floors: Sequence[FloorValue], contenders: Sequence[Contender], *, floor: float, architectures: int
) -> tuple[str, ...]:
    """One sentence for every reason why the floor, a share in [0, 1], cannot be estimated well; empty if there is none.

    Contenders that know architectures above the floor need no estimate.
    """
    at = f"The source floor at percentile {100 * floor:g}"
    few = [f"{one.different} on {one.source}" for one in floors if one.different < FEWEST]
    found = []
    if few:
        found.append(
            f"{at} is kept by few different architectures ({', '.join(few)}; fewer than {FEWEST} are few): what is "
            "possible above it, and so every lock score, hangs on single trainings. A lower floor or a larger table "
            "says more."
        )
    unsure: dict[int, list[str]] = {}
    for one in contenders:
        trainings = one.allowance.trainings + one.allowance.finalists
        if not one.known_feasible and relative_error(1 - floor, trainings, architectures) > LARGEST_ERROR:
            unsure.setdefault(trainings, []).append(one.label)
    for trainings, labels in unsure.items():
        error = relative_error(1 - floor, trainings, architectures)
        consequence = (
            f"estimate the share above it ({100 * (1 - floor):g} %) with a standard error of "
            f"{100 * (1 - floor) * error:.1f} points"
            if trainings
            else "say nothing of where it lies"
        )
        found.append(
            f"{at} is too high for the allowance of {', '.join(labels)}: {trainings} trainings on the source "
            f"{consequence}. A lower floor or a larger --budget says more."
        )
    return tuple(found)
