"""The one sentence: did the lock hold? Said by rule, from the record alone.

* **held**: the source floor is kept, the interval of what was taken away lies above zero, every judged target lost
  something, and the mean loss of the attacker is larger than the owner's.
* **partly**: the mean interval lies above zero but one of the other conditions fails; or the mean is not measurable but
  at least one target lost something for certain (intervals corrected for the number of targets, Bonferroni).
* **did not hold**: the interval rules out a loss of one point or more, or both models are the same architecture.
* **not measurable**: the interval contains both zero and a loss of one point or more, or there is no interval.
* **not attacked**: there are no pairs of outcomes to verdict_of.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from archlock.reports.record import LockRecord
from archlock.reports.statistics import (
    CONFIDENCE,
    Comparison,
    Estimate,
    estimate,
    headline,
    judged_targets,
    overall,
    source_loss,
)
from archlock.reports.wording import SQUARED, interval, plural, points, seeds, shorten

MEANINGFUL: Final = 0.01
"""A loss of the attacker below this (one point) is not worth calling a lock."""

Kind = Literal["held", "partly", "did_not_hold", "not_measurable", "not_attacked"]

WORDS: Final[dict[Kind, str]] = {
    "held": "Held",
    "partly": "Partly held",
    "did_not_hold": "Did not hold",
    "not_measurable": "Not measurable",
    "not_attacked": "Not attacked yet",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement with the numbers it rests on; ``sentence`` is complete without the word."""

    kind: Kind
    sentence: str
    reasons: tuple[str, ...]
    """Why it is not "held", one sentence each."""
    source_loss: Estimate
    taken_away: Estimate | None
    judged: tuple[Comparison, ...]

    @property
    def word(self) -> str:
        """The judgement in one or two words."""
        return WORDS[self.kind]


def verdict_of(record: LockRecord) -> Verdict:
    """The verdict of a lock run, by the rules at the head of this file."""
    loss, judged = source_loss(record), headline(record)
    if record.locked.architecture == record.source_only.architecture:
        sentence = (
            "The lock found nothing: the best architecture it could choose is the one that the ordinary search for "
            "source accuracy chooses as well."
        )
        away = overall(judged, seed=record.seed) if judged else None
        return Verdict("did_not_hold", sentence, (), loss, away, judged)
    if not judged:
        sentence = f"Before any attack: {_cost(record, loss)}. What the lock is worth is not known yet."
        return Verdict("not_attacked", sentence, ("No attack ran on both models.",), loss, None, judged)
    away = overall(judged, seed=record.seed)
    kind, reasons = _kind(record, loss, away, judged)
    return Verdict(kind, _sentence(record, kind, loss, away, judged), reasons, loss, away, judged)


def floor_kept(record: LockRecord) -> bool | None:
    """Whether the locked model keeps the source floor, on the test split; None where that was not measured."""
    if record.floor.kind == "accuracy_loss":
        return source_loss(record).mean <= record.floor.value + 1e-9
    percentile = record.locked.source_percentile
    return None if percentile is None else percentile >= record.floor.value


def target_words(record: LockRecord, count: int) -> str:
    """How the judged targets are called in a sentence: ``3 targets the search never saw``."""
    targets = judged_targets(record)
    if all(target.simulated for target in targets):
        return plural(count, "simulated target")
    if all(target.seen_by_search for target in targets):
        return plural(count, "target") + " the search was told of"
    return plural(count, "target") + " the search never saw"


def share_taken(comparison: Comparison, chance: float) -> float | None:
    """Share of the attacker's gain above chance that is gone, at most 1; None where there was no gain of a point."""
    gain = float(np.mean(comparison.source_only)) - chance
    return None if gain < MEANINGFUL else min(comparison.taken_away.mean / gain, 1.0)


def _kind(
    record: LockRecord, loss: Estimate, away: Estimate, judged: tuple[Comparison, ...]
) -> tuple[Kind, tuple[str, ...]]:
    if away.low is None or away.high is None:
        return "not_measurable", (
            f"Each attack ran with {seeds(away.count)}; it takes three seeds to tell a difference from chance.",
        )
    if away.high < MEANINGFUL:
        return "did_not_hold", (f"A loss of one point or more is ruled out (interval {interval(away)}).",)
    confidence = 1 - (1 - CONFIDENCE) / len(judged)
    lows = {c.target: low for c in judged if (low := estimate(c.differences, confidence=confidence).low) is not None}
    if away.low <= 0:
        certain = [name for name, low in lows.items() if low > 0]
        reason = f"The mean difference is within noise (interval {interval(away)} points)."
        if certain:
            return "partly", (reason, f"Certain only for {plural(len(certain), 'target')} of {len(judged)}.")
        return "not_measurable", (reason,)
    reasons = []
    if floor_kept(record) is False:
        reasons.append("The source floor is missed on the test split.")
    unhurt = sum(c.taken_away.mean <= 0 for c in judged)
    if unhurt:
        reasons.append(f"Attackers lose nothing on {plural(unhurt, 'target')} of {len(judged)}.")
    if away.mean <= loss.mean:
        reasons.append("The owner loses at least as much as the attackers.")
    return ("partly" if reasons else "held"), tuple(reasons)


def _sentence(record: LockRecord, kind: Kind, loss: Estimate, away: Estimate, judged: tuple[Comparison, ...]) -> str:
    where = target_words(record, len(judged))
    cost = _cost(record, loss)
    amount = f"{points(abs(away.mean))}{_of(record, judged)}"
    on_average = " on average" if len(judged) > 1 else ""
    if kind in ("held", "partly") and away.mean > 0:
        return f"The strongest attackers lose {amount}{on_average} on {where}; {cost}."
    if kind == "did_not_hold":
        change = "gain" if away.mean < 0 else "lose only"
        return f"The strongest attackers {change} {amount}{on_average} on {where}; {cost}."
    change = "lower" if away.mean >= 0 else "higher"
    return f"The strongest attacks come out {amount} {change}{on_average} on {where}, which may be chance; {cost}."


def _of(record: LockRecord, judged: tuple[Comparison, ...]) -> str:
    """Points of what, where it is not accuracy."""
    names = {comparison.target for comparison in judged}
    kinds = {target.kind for target in record.targets if target.name in names}
    if kinds == {"classification"}:
        return ""
    return f" of R{SQUARED}" if kinds == {"dense"} else f" of accuracy or R{SQUARED}"


def _cost(record: LockRecord, loss: Estimate) -> str:
    name = shorten(record.source.name, 60)
    if abs(loss.mean) < 0.0005:
        return f"the owner loses nothing on {name}"
    verb = "loses" if loss.mean > 0 else "gains"
    return f"the owner {verb} {points(abs(loss.mean))} on {name}"
