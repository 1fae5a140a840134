"""Was anything taken from attackers? The rules that a lock and the comparison of two models share.

The locked model stands against the others, the source-only one (or the reference) first. What counts is worth: nobody
is held to do worse than without the model (see ``statistics``).

* **nothing to lock**: without the model attackers get as far as from the source-only one: a worth of a point or more is
  ruled out, or its mean is not above zero.
* **taken**: against each of the others the interval of what was taken away lies above zero.
* **nothing taken**: against one of the others a loss of one point or more is ruled out.
* **partly**: against the first of the others the mean interval lies above zero, but not against all; or that mean is
  not measurable but at least one target lost something for certain, against each of the others.
* **not measurable**: the interval contains both zero and a loss of one point or more; or there is none, for want of
  seeds; or no attacker undid what hinders fine-tuning and takes nothing away.

Chances: "taken" needs all intervals at once, so each is at 95 % (an intersection-union test, Berger 1982, which needs
no correction). Where one of several is enough, they are corrected for their number: "nothing taken" for the number of
others (Bonferroni); a certain target by the largest of its p values against the others, times their number, and Holm's
procedure (1979) over the targets. The p values are of two-sided paired t tests over seeds: differences are taken to be
independent from seed to seed, and roughly normal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from archlock.reports.arms import NAMES, Side
from archlock.reports.outcomes import UNDOING, Record, valid_outcomes
from archlock.reports.record_parts import Role
from archlock.reports.statistics import CONFIDENCE, LEAST_SEEDS, Comparison, Estimate, estimate, overall
from archlock.reports.wording import attack_name, capital, interval, listed, plural, points, seeds

MEANINGFUL: Final = 0.01
"""A loss of the attacker below this (one point) is not worth calling a lock."""

Finding = Literal["nothing_to_lock", "taken", "partly", "nothing_taken", "not_measurable"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found, and why it is not "taken", one sentence each."""

    finding: Finding
    reasons: tuple[str, ...] = ()


def judge(record: Record, found: Sequence[Side], *, names: Mapping[Role, str] = NAMES) -> Judgement:
    """By the rules at the head of this file; the first of ``found`` is against the source-only model or reference."""
    first = found[0]
    away = first.taken_away
    lacking = _lacking(record, first, names)
    if away is None or lacking:
        return Judgement("not_measurable", (lacking,))
    before = worth_before(first.judged)
    if before is not None and (before.mean <= 0 or (before.high is not None and before.high < MEANINGFUL)):
        return Judgement("nothing_to_lock", (_worth_nothing(before, names),))
    ruled_out = tuple(_ruled_out(record, side, names) for side in found if _is_ruled_out(record, side, of=len(found)))
    if ruled_out:
        return Judgement("nothing_taken", ruled_out)
    noise = tuple(reason for side in found if (reason := _noise(side, names)))
    if away.low is not None and away.low > 0:
        return Judgement("partly" if noise else "taken", noise)
    certain, count = certain_targets(found), len(first.judged)
    if not certain:
        return Judgement("not_measurable", noise)
    against = " against every other model" if len(found) > 1 else ""
    return Judgement("partly", (*noise, f"Certain{against} only for {plural(len(certain), 'target')} of {count}."))


def _lacking(record: Record, first: Side, names: Mapping[Role, str]) -> str:
    """What it takes to judge at all and is not there; empty where nothing is lacking."""
    away = first.taken_away
    if away is None:
        return f"No attack ran on both {names['locked']} and {names[first.against]}."
    if away.low is None or away.basis != "seeds":
        return f"Each attack ran with {seeds(away.count)}; it takes three seeds to tell a difference from chance."
    if not_undone(record, first.judged):
        undoing = listed([attack_name(name).lower() for name in UNDOING])
        return (
            "No attack was tried on every target that undoes what hinders fine-tuning and takes nothing from what a "
            f"model knows ({undoing}), so nothing is known to be locked."
        )
    return ""


def not_undone(record: Record, judged: Sequence[Comparison]) -> bool:
    """Whether on one of these targets no attack that undoes obfuscation counts for both models.

    One that was tried and says that it does not apply there is enough.
    """
    undone = {
        target
        for (target, _, _), by_role in valid_outcomes(record).items()
        if any(name in by_role["locked"] and name in by_role["source_only"] for name in UNDOING)
    }
    status: dict[str, set[str]] = {}
    for outcome in record.outcomes:
        if outcome.attacker in UNDOING:
            status.setdefault(outcome.target, set()).add(outcome.status)
    undone |= {target for target, met in status.items() if met == {"unsupported"}}
    return any(comparison.target not in undone for comparison in judged)


def worth_before(judged: Sequence[Comparison]) -> Estimate | None:
    """What the weights of the other model are worth, mean over targets seed by seed; None where it was not measured."""
    tables = [dict(zip(c.seeds, c.worth_before, strict=True)) for c in judged if c.without]
    if not tables or len(tables) < len(judged):
        return None
    common = sorted(set.intersection(*(set(table) for table in tables)))
    if len(common) < LEAST_SEEDS:
        return None
    return estimate([float(np.mean([table[seed] for table in tables])) for seed in common])


def certain_targets(found: Sequence[Side]) -> list[str]:
    """Targets that lost something for certain against every side, by Holm's procedure over the targets."""
    by_target: dict[str, list[float]] = {}
    for side in found:
        for comparison in side.judged:
            by_target.setdefault(comparison.target, []).append(p_value(comparison.differences))
    largest = {t: max(values) * len(found) for t, values in by_target.items() if len(values) == len(found)}
    ordered, certain = sorted(largest, key=largest.__getitem__), []
    for place, target in enumerate(ordered):
        if largest[target] >= (1 - CONFIDENCE) / (len(by_target) - place):
            break
        certain.append(target)
    return sorted(certain)


def p_value(differences: Sequence[float]) -> float:
    """Two-sided, of a mean above zero (paired t test over seeds); 1 where the mean is not, or below three seeds."""
    mean = float(np.mean(differences))
    if mean <= 0 or len(differences) < LEAST_SEEDS:
        return 1.0
    error = float(np.std(differences, ddof=1)) / len(differences) ** 0.5
    if error == 0:
        return 0.0
    from scipy.stats import t

    return float(2 * t.sf(mean / error, len(differences) - 1))


def _worth_nothing(before: Estimate, names: Mapping[Role, str]) -> str:
    more = f"{points(abs(before.mean))} {'more' if before.mean <= 0 else 'less'}"
    return (
        f"Without the model attackers get {more} than from {names['source_only']}; what its weights are worth has the "
        f"interval {interval(before)} points."
    )


def _is_ruled_out(record: Record, side: Side, *, of: int) -> bool:
    """Whether a loss of one point or more is, at a confidence corrected for the number ``of`` sides."""
    if not side.judged:
        return False
    high = overall(side.judged, seed=record.seed, confidence=1 - (1 - CONFIDENCE) / of).high
    return high is not None and high < MEANINGFUL


def _ruled_out(record: Record, side: Side, names: Mapping[Role, str]) -> str:
    bounds = interval(overall(side.judged, seed=record.seed))
    if side.against == "source_only":
        return f"A loss of one point or more is ruled out (interval {bounds})."
    name = capital(names[side.against])
    return f"{name} takes as much: a loss of one point or more against it is ruled out (interval {bounds})."


def _noise(side: Side, names: Mapping[Role, str]) -> str:
    """Why the mean against this side does not lie above zero for certain; empty if it does."""
    away = side.taken_away
    if away is None:
        return f"No attack ran on both {names['locked']} and {names[side.against]}."
    if away.low is None:
        return f"Against {names[side.against]} there is no interval: {seeds(away.count)}."
    if away.low > 0:
        return ""
    if side.against == "source_only":
        return f"The mean difference is within noise (interval {interval(away)} points)."
    return f"Against {names[side.against]} the mean difference is within noise (interval {interval(away)} points)."
