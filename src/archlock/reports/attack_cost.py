"""What an attack costs the attacker: steps, arithmetic and time until a model serves their task.

The level to reach is :data:`REACH` of what somebody gains without the lock: of what the strongest attack makes of the
reference model, above chance; where there is no reference, of what the same architecture gains from scratch. Costs are
those of the one training that was kept, up to the first validation score that was high enough (it is
taken after every epoch); what trying other settings took is not in them. They are spread evenly over a training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Final, Literal

import numpy as np

from archlock.reports.outcomes import MODEL_FREE, Record, Terms, terms_of, valid_outcomes
from archlock.reports.record_parts import (
    OutcomeRecord,
    Role,
)
from archlock.reports.statistics import judged_targets, strongest

REACH: Final = 0.9
"""Share of the gain above chance that is to be reached."""

Unit = Literal["steps", "flops", "seconds"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a training took up to some point of it."""

    steps: int
    """Of the optimiser; 0 for a head that is fitted without it."""
    flops: float | None
    """Floating-point operations on training images; None where they were not counted."""
    seconds: float | None
    """Wall-clock time where it ran, with the checks on the validation split; None where it was not kept."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What one attack takes to reach a level on a target, for each model by seed; None where it never does."""

    target: str
    attacker: str
    terms: Terms
    level: float
    costs: dict[Role, tuple[Cost | None, ...]]

    def median(self, role: Role, unit: Unit) -> float | None:
        """The lower median over seeds, one that never gets there counting as infinite; None if it is that, or unknown.

        Raises KeyError for a model that was not attacked so.
        """
        values = [np.inf if cost is None else getattr(cost, unit) for cost in self.costs[role]]
        if any(value is None for value in values):
            return None
        middle = float(median_low(values))
        return middle if np.isfinite(middle) else None

    def reached(self, role: Role) -> int:
        """With how many seeds it gets there."""
        return sum(cost is not None for cost in self.costs[role])


def cost_to_reach(outcome: OutcomeRecord, level: float) -> Cost | None:
    """What it took until the validation score was first seen at ``level`` or above; None if it never was.

    Where nothing was checked on the way, or a better model than the last was kept, that is the whole training. An
    outcome whose steps were not counted raises ValueError.
    """
    if outcome.steps is None or outcome.validation is None:
        raise ValueError(f"the steps of {outcome.attacker} on {outcome.target} are not known; attack with curves")
    checks = len(outcome.curve)
    for number, score in enumerate(outcome.curve, start=1):
        if score >= level:
            return _part(outcome, number / checks)
    return _part(outcome, 1.0) if outcome.validation >= level else None


def reaches(record: Record) -> tuple[Reach, ...]:
    """One per judged target and attack whose operations were counted, with most data and most time.

    Nothing where no training was watched, and nothing for a target on which there is no level to reach.
    """
    if not any(outcome.steps and outcome.flops is not None for outcome in record.outcomes):
        return ()
    by_attack: dict[tuple[str, str, Terms], dict[Role, dict[int, OutcomeRecord]]] = {}
    for (name, terms, seed), by_role in valid_outcomes(record).items():
        for role, met in by_role.items():
            for attacker, outcome in met.items():
                if outcome.steps is not None and outcome.flops is not None:
                    by_attack.setdefault((name, attacker, terms), {}).setdefault(role, {})[seed] = outcome
    found = []
    for target in judged_targets(record):
        seen = {terms for name, _, terms in by_attack if name == target.name}
        most = max(seen, key=lambda terms: terms.rank, default=None)
        gain = None if most is None else _gain_to_match(record, target.name, most)
        if gain is None or gain <= target.chance:
            continue
        level = target.chance + REACH * (gain - target.chance)
        for (name, attacker, terms), outcomes in by_attack.items():
            if (name, terms) == (target.name, most):
                costs = {
                    role: tuple(cost_to_reach(one, level) for _, one in sorted(seeds.items()))
                    for role, seeds in outcomes.items()
                }
                found.append(Reach(name, attacker, terms, level, costs))
    return tuple(found)


def cheapest(found: Sequence[Reach], role: Role, unit: Unit = "flops") -> Reach | None:
    """Of attacks on one target, the one with which most of the seeds get there for the least; None if none does.

    An ordinary network is no attack on a model, and is left out.
    """
    able = [
        (cost, reach)
        for reach in found
        if reach.attacker != MODEL_FREE and role in reach.costs and (cost := reach.median(role, unit)) is not None
    ]
    return min(able, key=lambda one: one[0])[1] if able else None


def _part(outcome: OutcomeRecord, share: float) -> Cost:
    flops, seconds = (None if whole is None else whole * share for whole in (outcome.flops, outcome.trial_seconds))
    return Cost(int(np.ceil((outcome.steps or 0) * share - 1e-9)), flops, seconds)


def _gain_to_match(record: Record, target: str, terms: Terms) -> float | None:
    """Mean validation score, over seeds, of what the level is a share of; None if nobody measured it."""
    if any(outcome.defended == "source_only" for outcome in record.outcomes):
        chosen = [c for c in strongest(record) if (c.target, c.terms) == (target, terms)]
        wanted = {(seed, name) for c in chosen for seed, name in zip(c.seeds, c.chosen_other, strict=True)}
        role: Role = "source_only"
    else:
        wanted = {(o.seed, "from_scratch") for o in record.outcomes}
        role = "locked"
    scores = [
        outcome.validation
        for outcome in record.outcomes
        if (outcome.defended, outcome.target, terms_of(outcome)) == (role, target, terms)
        and (outcome.seed, outcome.attacker) in wanted
        and outcome.validation is not None
    ]
    return float(np.mean(scores)) if scores else None
