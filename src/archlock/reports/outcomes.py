"""Which outcomes of a record count, and what the attackers had.

An attack that failed on one of the two models that are compared is left out for both, so a crash never counts as a
defence. Nor does an attack that ended at chance while another one on the same model did not: whoever has both does not
take it for a lock. Such cells are not measurable, and are counted and shown as that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, get_args

import numpy as np

from archlock.reports.record import AttackRecord, LockRecord
from archlock.reports.record_parts import OutcomeRecord, Role, TargetRecord
from archlock.tasks import KINDS, Kind

WEIGHTLESS: Final = ("from_scratch", "ordinary")
"""Attacks that use none of the weights: what somebody reaches with the data alone."""
MODEL_FREE: Final = "ordinary"
"""The one of them that takes not even the architecture: a line to compare with, and never the strongest attack."""
NAIVE: Final = ("linear_probe", "fine_tune")
"""What a tutorial does: shown, and never enough for a verdict."""
UNDOING: Final = ("renormalised", "regrown", "surgery")
"""Attacks that undo what hinders fine-tuning and changes nothing of what a model knows. Without one of them nothing is
known to be locked: folded normalisation or rescaled channels stop all others."""
ERRORS_FROM_CHANCE: Final = 3.0
"""Binomial standard errors above chance up to which a score says no more than chance does."""

Record = LockRecord | AttackRecord


class Attacks(Protocol):
    """What every record of attacks has, and all that comparisons look at."""

    @property
    def targets(self) -> tuple[TargetRecord, ...]:
        """What was attacked on."""
        ...

    @property
    def outcomes(self) -> tuple[OutcomeRecord, ...]:
        """What came of it."""
        ...


Place = tuple[str, "Terms", int]
"""Target, what the attackers had, seed."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an attacker had: how much of the target's data, and how long they trained."""

    fraction: float
    shots: int | None = None
    """Examples of each class, where they were counted so."""
    horizon: float = 1.0
    """Length of the training, in multiples of the plan's epochs."""

    @property
    def rank(self) -> tuple[float, bool, float]:
        """The larger, the more there was: first by data, then by time."""
        return self.fraction, self.shots is None, self.horizon


def terms_of(outcome: OutcomeRecord) -> Terms:
    """What the attacker had."""
    return Terms(outcome.fraction, outcome.shots, outcome.horizon)


def valid_outcomes(record: Attacks) -> dict[Place, dict[Role, dict[str, OutcomeRecord]]]:
    """Outcomes that count, by (target, terms, seed), then model, then attacker, in the order of the record."""
    left_out = {id(outcome) for outcome in stuck_at_chance(record)}
    found: dict[Place, dict[Role, dict[str, OutcomeRecord]]] = {}
    for outcome in record.outcomes:
        if outcome.status == "valid" and id(outcome) not in left_out:
            key = outcome.target, terms_of(outcome), outcome.seed
            place = found.setdefault(key, {role: {} for role in get_args(Role)})
            place[outcome.defended][outcome.attacker] = outcome
    return found


def stuck_at_chance(record: Attacks) -> tuple[OutcomeRecord, ...]:
    """Valid outcomes that say nothing: no better than chance, where another attack with that model's weights is."""
    targets = {target.name: target for target in record.targets}
    cells: dict[tuple[Role, Place], list[OutcomeRecord]] = {}
    for outcome in record.outcomes:
        if outcome.status == "valid" and outcome.attacker not in WEIGHTLESS:
            place = outcome.target, terms_of(outcome), outcome.seed
            cells.setdefault((outcome.defended, place), []).append(outcome)
    found = []
    for (_, (name, _, _)), met in cells.items():
        low = [outcome for outcome in met if at_chance(outcome, targets[name])]
        found += low if len(low) < len(met) else []
    return tuple(found)


def at_chance(outcome: OutcomeRecord, target: TargetRecord) -> bool:
    """Whether a score is at most three binomial standard errors above chance; never on a target without classes.

    Where the number of test images was not kept, only what is at chance or below it.
    """
    if outcome.test is None or not KINDS[target.kind].has_classes:
        return False
    error = 0.0 if target.tests is None else (target.chance * (1 - target.chance) / target.tests) ** 0.5
    return outcome.test <= target.chance + ERRORS_FROM_CHANCE * error


def without_the_model(record: Attacks) -> dict[Place, float]:
    """Test score of whoever has the data and not the weights: an ordinary network, or one of the models from scratch.

    The best of them by validation, whichever model's architecture it has: nobody can keep anybody from training it.
    """
    kinds = {target.name: target.kind for target in record.targets}
    found = {}
    for place, by_role in valid_outcomes(record).items():
        met = [outcome for roles in by_role.values() for name, outcome in roles.items() if name in WEIGHTLESS]
        if met:
            found[place] = counted_score(strongest_of(met), kinds[place[0]])
    return found


def strongest_of(outcomes: Sequence[OutcomeRecord]) -> OutcomeRecord:
    """The one with the best validation score, whatever its test score; of equal ones the first."""
    return max(outcomes, key=lambda outcome: -np.inf if outcome.validation is None else outcome.validation)


def counted_score(outcome: OutcomeRecord, kind: Kind) -> float:
    """Its test score, or what it counts at least (R squared: 0). An outcome without one raises ValueError."""
    if outcome.test is None:
        raise ValueError(f"the outcome of {outcome.attacker} on {outcome.target} is not valid")
    least = KINDS[kind].least
    return outcome.test if least is None else max(outcome.test, least)
