"""What a trained model is worth to an attacker: what they gain over those who have not got it.

There are two of those. The first trains the same architecture from new weights: a gain of zero over them says that the
weights do not transfer, and only the architecture is worth something. The second trains an ordinary network of their
own: a gain of zero or less over them says that nobody has a reason to take the model at all.
"""

from dataclasses import dataclass

from archlock.reports.outcomes import MODEL_FREE, WEIGHTLESS, Record, Terms, counted_score, strongest_of, valid_outcomes
from archlock.reports.record_parts import (
    OutcomeRecord,
    Role,
)
from archlock.reports.statistics import Estimate, estimate, judged_targets
from archlock.tasks import Kind


@dataclass(frozen=True, slots=True)
class Worth:
    """Gain over a baseline on one target, seed by seed, for each model that was attacked."""

    target: str
    baseline: str
    """``from_scratch`` (then of attacks that use the weights) or ``ordinary`` (then of all others)."""
    terms: Terms
    gains: dict[Role, tuple[float, ...]]
    """Test score of the strongest attack minus that of the baseline, with the same seeds."""

    def estimate(self, role: Role) -> Estimate:
        """Mean gain with its interval. Raises KeyError for a model that has none."""
        return estimate(self.gains[role])


def worths(record: Record) -> tuple[Worth, ...]:
    """One per judged target and baseline that ran, with the most data and then the most time that they have."""
    found = []
    for target in judged_targets(record):
        for baseline in WEIGHTLESS:
            by_terms: dict[Terms, dict[Role, list[float]]] = {}
            for (name, terms, _), by_role in valid_outcomes(record).items():
                for role, met in by_role.items():
                    gain = _gain(met, baseline, target.kind)
                    if name == target.name and gain is not None:
                        by_terms.setdefault(terms, {}).setdefault(role, []).append(gain)
            if by_terms:
                most = max(by_terms, key=lambda terms: terms.rank)
                gains = {role: tuple(values) for role, values in by_terms[most].items()}
                found.append(Worth(target.name, baseline, most, gains))
    return tuple(found)


def _gain(met: dict[str, OutcomeRecord], baseline: str, kind: Kind) -> float | None:
    """Of the strongest attack over the baseline, on test; None where one of the two is missing."""
    without = WEIGHTLESS if baseline != MODEL_FREE else (MODEL_FREE,)
    able = [outcome for name, outcome in met.items() if name not in without]
    if not able or baseline not in met:
        return None
    return counted_score(strongest_of(able), kind) - counted_score(met[baseline], kind)
