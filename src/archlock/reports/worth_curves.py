"""What the weights are worth over the amount of data: the best attack on the model minus the best without it.

Without the model an attacker has the target's data and what everybody has: an ordinary network, or one of the models'
architectures, from scratch, tuned and trained as long. Where that is as good, the weights are worth nothing, and there
is nothing to lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.reports.outcomes import (
    WEIGHTLESS,
    Record,
    Terms,
    counted_score,
    strongest_of,
    valid_outcomes,
    without_the_model,
)
from archlock.reports.record_parts import ARMS, Role, TargetRecord
from archlock.reports.statistics import Estimate, estimate, judged_targets


@dataclass(frozen=True, slots=True)
class WorthPoint:
    """With one amount of data and the longest trainings there were; tuples in the order of seeds."""

    terms: Terms
    chance: float
    seeds: tuple[int, ...]
    reached: dict[Role, tuple[float, ...]]
    """Test score of the best attack with the weights of each model, chosen by validation."""
    without: tuple[float, ...]
    """Test score of the best without them."""

    def gains(self, role: Role) -> tuple[float, ...]:
        """Points that the weights are worth, seed by seed; below zero they are a hindrance. KeyError without attack."""
        return tuple(float(score - alone) for score, alone in zip(self.reached[role], self.without, strict=True))

    def worth(self, role: Role) -> Estimate:
        """Their mean, with its interval."""
        return estimate(self.gains(role))

    def share(self, role: Role) -> float | None:
        """Share of what the attack gains above chance that is owed to the weights; None where it gains nothing."""
        above = float(np.mean(self.reached[role])) - self.chance
        return max(0.0, self.worth(role).mean) / above if above > 0 else None


@dataclass(frozen=True, slots=True)
class WorthCurve:
    """One target, from the least data to the most."""

    target: str
    points: tuple[WorthPoint, ...]

    def area(self, role: Role) -> Estimate | None:
        """Mean worth over the logarithm of the data (trapezoidal rule), over the seeds that all amounts have.

        None with fewer than two amounts of data.
        """
        met = [point for point in self.points if role in point.reached]
        common = sorted(set.intersection(*(set(point.seeds) for point in met))) if met else []
        if len(met) < 2 or not common:
            return None
        places = np.log([point.terms.fraction for point in met])
        by_seed = np.array([[point.gains(role)[point.seeds.index(seed)] for seed in common] for point in met])
        steps = np.diff(places)[:, None]
        return estimate(list(np.sum(steps * (by_seed[1:] + by_seed[:-1]) / 2, axis=0) / (places[-1] - places[0])))

    def worthless_from(self, role: Role) -> WorthPoint | None:
        """The least data from which on the weights are not known to be worth anything; None where they are with most.

        Not known: the interval reaches zero, or without one the mean does.
        """
        found = None
        for point in reversed(self.points):
            if role in point.reached:
                worth = point.worth(role)
                if (worth.mean if worth.low is None else worth.low) > 0:
                    return found
                found = point
        return found


def worth_curves(record: Record, targets: Sequence[TargetRecord] = ()) -> tuple[WorthCurve, ...]:
    """One for each of these targets (without any, of those the verdict is about) on which somebody attacked with the
    weights and somebody without."""
    kinds = {target.name: target.kind for target in record.targets}
    alone = without_the_model(record)
    cells: dict[tuple[str, Terms], dict[int, dict[Role, float]]] = {}
    for (target, terms, seed), by_role in valid_outcomes(record).items():
        if (target, terms, seed) in alone:
            for role, met in by_role.items():
                able = [outcome for name, outcome in met.items() if name not in WEIGHTLESS]
                if able:
                    by_seed = cells.setdefault((target, terms), {})
                    by_seed.setdefault(seed, {})[role] = counted_score(strongest_of(able), kinds[target])
    return tuple(
        WorthCurve(target.name, points)
        for target in targets or judged_targets(record)
        if (points := _points(target.name, target.chance, cells, alone))
    )


def _points(
    target: str,
    chance: float,
    cells: dict[tuple[str, Terms], dict[int, dict[Role, float]]],
    alone: dict[tuple[str, Terms, int], float],
) -> tuple[WorthPoint, ...]:
    """By amount of data, least first, each with the longest trainings that it has."""
    longest: dict[tuple[float, int | None], Terms] = {}
    for name, terms in cells:
        amount = terms.fraction, terms.shots
        if name == target and (amount not in longest or terms.horizon > longest[amount].horizon):
            longest[amount] = terms
    found = []
    for terms in sorted(longest.values(), key=lambda terms: terms.rank):
        by_seed = cells[target, terms]
        roles = set.intersection(*(set(scores) for scores in by_seed.values()))
        seeds = tuple(sorted(by_seed))
        reached = {role: tuple(by_seed[seed][role] for seed in seeds) for role in _ordered(roles)}
        if reached:
            without = tuple(alone[target, terms, seed] for seed in seeds)
            found.append(WorthPoint(terms, chance, seeds, reached, without))
    return tuple(found)


def _ordered(roles: set[Role]) -> Sequence[Role]:
    return sorted(roles, key=("locked", "source_only", *ARMS).index)
