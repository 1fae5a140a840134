"""The one sentence: did the lock hold? Said by rule, from the record alone.

The locked model stands against the source-only one and against every random architecture of the run ("the others").

* **held**: the source floor is kept, against each of the others the interval of what was taken away lies above zero
  and every judged target lost something, and the mean loss of the attacker is larger than the owner's.
* **partly**: against the source-only model the mean interval lies above zero but one of the other conditions fails; or
  that mean is not measurable but at least one target lost something for certain, against each of the others.
* **did not hold**: against one of the others a loss of one point or more is ruled out (what any architecture takes as
  well is no lock), or the locked model and the source-only one are the same architecture.
* **not measurable**: the interval contains both zero and a loss of one point or more, or there is no interval; or the
  locked model is no better on the source than a constant answer.
* **not attacked**: there are no pairs of outcomes to verdict_of.

Chances: "held" needs all intervals at once, so each is at 95 % (an intersection-union test, Berger 1982, which needs no
correction). Where one interval of several is enough, they are corrected for their number (Bonferroni): "did not hold"
for the number of others, a certain target for targets times others.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from archlock.reports.arms import NAMES, Side, arms_said, sides
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
from archlock.reports.warnings import is_constant
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
    beside: str
    """What is reached with every model, and how much of the loss a random architecture takes as well; may be empty."""
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
        return Verdict("did_not_hold", sentence, (), arms_said(record), loss, away, judged)
    if not judged:
        sentence = f"Before any attack: {_cost(record, loss)}. What the lock is worth is not known yet."
        return Verdict("not_attacked", sentence, ("No attack ran on both models.",), "", loss, None, judged)
    away = overall(judged, seed=record.seed)
    kind, reasons = _kind(record, loss, away, sides(record))
    sentence = _sentence(record, kind, loss, away, judged)
    return Verdict(kind, sentence, reasons, arms_said(record), loss, away, judged)


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
        return plural(count, "target") + " the search knew"
    return plural(count, "target") + " the search never saw"


def share_taken(comparison: Comparison, chance: float) -> float | None:
    """Share of the attacker's gain above chance that is gone, at most 1; None where there was no gain of a point."""
    gain = float(np.mean(comparison.other)) - chance
    return None if gain < MEANINGFUL else min(comparison.taken_away.mean / gain, 1.0)


def _kind(record: LockRecord, loss: Estimate, away: Estimate, found: tuple[Side, ...]) -> tuple[Kind, tuple[str, ...]]:
    """The judgement and its reasons; the first of ``found`` is against the source-only model, ``away`` its mean."""
    if is_constant(record.locked, record.source):
        return "not_measurable", ("The locked model has learned nothing, so there is nothing in it to be locked.",)
    if away.low is None or away.high is None:
        return "not_measurable", (
            f"Each attack ran with {seeds(away.count)}; it takes three seeds to tell a difference from chance.",
        )
    ruled_out = tuple(_ruled_out(record, side) for side in found if _is_ruled_out(record, side, of=len(found)))
    if ruled_out:
        return "did_not_hold", ruled_out
    noise = [reason for side in found if (reason := _noise(side))]
    if away.low <= 0:
        certain, count = _certain(found), len(found[0].judged)
        if not certain:
            return "not_measurable", tuple(noise)
        against = " against every other model" if len(found) > 1 else ""
        return "partly", (*noise, f"Certain{against} only for {plural(len(certain), 'target')} of {count}.")
    reasons = [*noise]
    if floor_kept(record) is False:
        reasons.append("The source floor is missed on the test split.")
    reasons += [reason for side in found if (reason := _unhurt(side))]
    if away.mean <= loss.mean:
        reasons.append("The owner loses at least as much as the attackers.")
    return ("partly" if reasons else "held"), tuple(reasons)


def _is_ruled_out(record: LockRecord, side: Side, *, of: int) -> bool:
    """Whether a loss of one point or more is, at a confidence corrected for the number ``of`` sides."""
    if not side.judged:
        return False
    high = overall(side.judged, seed=record.seed, confidence=1 - (1 - CONFIDENCE) / of).high
    return high is not None and high < MEANINGFUL


def _ruled_out(record: LockRecord, side: Side) -> str:
    bounds = interval(overall(side.judged, seed=record.seed))
    if side.against == "source_only":
        return f"A loss of one point or more is ruled out (interval {bounds})."
    name = _capital(NAMES[side.against])
    return f"{name} takes as much: a loss of one point or more against it is ruled out (interval {bounds})."


def _noise(side: Side) -> str:
    """Why the mean against this side does not lie above zero for certain; empty if it does."""
    away = side.taken_away
    if away is None:
        return f"No attack ran on both the locked model and {NAMES[side.against]}."
    if away.low is None:
        return f"Against {NAMES[side.against]} there is no interval: {seeds(away.count)}."
    if away.low > 0:
        return ""
    if side.against == "source_only":
        return f"The mean difference is within noise (interval {interval(away)} points)."
    return f"Against {NAMES[side.against]} the mean difference is within noise (interval {interval(away)} points)."


def _certain(found: tuple[Side, ...]) -> list[str]:
    """Targets that lost something for certain against every side, corrected for targets times sides."""
    confidence = 1 - (1 - CONFIDENCE) / (len(found[0].judged) * len(found))

    def sure(side: Side) -> set[str]:
        lows = {c.target: estimate(c.differences, confidence=confidence).low for c in side.judged}
        return {target for target, low in lows.items() if low is not None and low > 0}

    return sorted(set.intersection(*map(sure, found)))


def _unhurt(side: Side) -> str:
    """On how many targets attackers lose nothing against this side; empty if on none."""
    unhurt, count = sum(c.taken_away.mean <= 0 for c in side.judged), len(side.judged)
    if not unhurt:
        return ""
    if side.against == "source_only":
        return f"Attackers lose nothing on {plural(unhurt, 'target')} of {count}."
    return f"{_capital(NAMES[side.against])} takes as much on {plural(unhurt, 'target')} of {count}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(record: LockRecord, kind: Kind, loss: Estimate, away: Estimate, judged: tuple[Comparison, ...]) -> str:
    where = target_words(record, len(judged))
    cost = _cost(record, loss)
    amount = f"{points(abs(away.mean))}{_of(record, judged)}"
    on_average = " on average" if len(judged) > 1 else ""
    if kind == "did_not_hold" and away.high is not None and away.high < MEANINGFUL:
        change = "gain" if away.mean < 0 else "lose only"
        return f"The strongest attackers {change} {amount}{on_average} on {where}; {cost}."
    sure = away.low is not None and away.low > 0
    if sure or (kind in ("held", "partly") and away.mean > 0):
        return f"The strongest attackers lose {amount}{on_average} on {where}; {cost}."
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
