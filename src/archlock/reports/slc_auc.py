"""How much data buys how much: SLC-AUC, the area under the sample-wise learning curve.

Non-Transferable Pruning (Ding et al. 2024). Our reading: test score over the logarithm of the share of the data, by the
trapezoidal rule, divided by the length of the logarithmic axis; so a score that does not depend on the amount of data
is its own area, and areas over different shares do not compare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from archlock.reports.outcomes import Record, valid_outcomes
from archlock.reports.record_parts import (
    OutcomeRecord,
    Role,
)
from archlock.reports.statistics import (
    STRONGEST,
    Comparison,
    Estimate,
    comparisons,
    estimate,
    strongest,
    strongest_alone,
)

LEAST_FRACTIONS: Final = 3
"""Fewer shares of the data are no curve."""


@dataclass(frozen=True, slots=True)
class Area:
    """SLC-AUC under one attack on one target, seed by seed; ``other`` is empty where there is no other model."""

    target: str
    attacker: str
    horizon: float
    fractions: tuple[float, ...]
    """The shares it goes over, from the least."""
    locked: tuple[float, ...]
    other: tuple[float, ...] = ()

    @property
    def taken_away(self) -> Estimate:
        """Mean of the other model minus the locked one with its interval; higher is a better lock."""
        return estimate([other - locked for other, locked in zip(self.other, self.locked, strict=True)])


def slc_auc(points: Mapping[float, float]) -> float:
    """Area under the score over log(fraction), divided by the width of the axis: in [0, 1] for accuracies.

    ``points`` has the score at each fraction in (0, 1]; fewer than two fractions raise ValueError.
    """
    fractions = sorted(points)
    if len(fractions) < 2 or fractions[0] <= 0:
        raise ValueError(f"an area needs scores at two fractions above 0 at least; got {fractions}")
    places = np.log(fractions)
    scores = np.array([points[fraction] for fraction in fractions])
    return float(np.sum(np.diff(places) * (scores[1:] + scores[:-1]) / 2) / (places[-1] - places[0]))


def areas(record: Record, against: Role = "source_only") -> tuple[Area, ...]:
    """One per (target, attacker, horizon), the strongest attack first, where there are three fractions at least.

    Over the seeds that all fractions have; what was counted in shots takes no part.
    """
    curves: dict[tuple[str, str, float], list[Comparison]] = {}
    for comparison in (*strongest(record, against), *comparisons(record, against)):
        if comparison.terms.shots is None:
            key = comparison.target, comparison.attacker, comparison.terms.horizon
            curves.setdefault(key, []).append(comparison)
    found = []
    for (target, attacker, horizon), curve in curves.items():
        locked = _by_seed({c.fraction: dict(zip(c.seeds, c.locked, strict=True)) for c in curve})
        plain = _by_seed({c.fraction: dict(zip(c.seeds, c.other, strict=True)) for c in curve})
        if locked:
            fractions = tuple(sorted(c.fraction for c in curve))
            found.append(Area(target, attacker, horizon, fractions, tuple(locked), tuple(plain)))
    return tuple(found)


def areas_alone(record: Record) -> tuple[Area, ...]:
    """The same of a model that was attacked without a reference."""
    curves: dict[tuple[str, str, float], dict[float, dict[int, float]]] = {}

    def note(attacker: str, outcome: OutcomeRecord) -> None:
        if outcome.shots is None and outcome.test is not None:
            curve = curves.setdefault((outcome.target, attacker, outcome.horizon), {})
            curve.setdefault(outcome.fraction, {})[outcome.seed] = outcome.test

    for outcomes in strongest_alone(record).values():
        for outcome in outcomes:
            note(STRONGEST, outcome)
    for by_role in valid_outcomes(record).values():
        for attacker, outcome in by_role["locked"].items():
            note(attacker, outcome)
    return tuple(
        Area(target, attacker, horizon, tuple(sorted(curve)), tuple(scores))
        for (target, attacker, horizon), curve in curves.items()
        if (scores := _by_seed(curve))
    )


def _by_seed(curve: Mapping[float, Mapping[int, float]]) -> Sequence[float]:
    """Area for each seed that all fractions have; none if the fractions are too few."""
    if len(curve) < LEAST_FRACTIONS:
        return ()
    common = sorted(set.intersection(*(set(scores) for scores in curve.values())))
    return [slc_auc({fraction: scores[seed] for fraction, scores in curve.items()}) for seed in common]
