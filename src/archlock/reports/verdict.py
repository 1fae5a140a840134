"""The one sentence: did the lock hold? Said by rule, from the record alone.

Whether anything was taken from attackers is judged as for any two models (see ``judging``): against the source-only
model and every random architecture of the run ("the others"). For a lock that means:

* **held**: it was taken for certain against each of the others, every judged target lost something, the source floor
  is kept, and the mean loss of the attacker is larger than the owner's.
* **partly**: it was partly taken, or one of the other conditions fails.
* **did not hold**: nothing was taken (what any architecture takes as well is no lock), or the locked model and the
  source-only one are the same architecture.
* **nothing to lock**: without the model attackers get as far as from the source-only one.
* **not measurable**: chance is as large as the difference, there are too few seeds, only unprepared attackers ran, or
  the locked model is no better on the source than a constant answer.
* **not attacked**: there are no pairs of outcomes to judge.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from archlock.reports.arms import NAMES, Side, arms_said, sides
from archlock.reports.judging import MEANINGFUL, Finding, judge
from archlock.reports.record import LockRecord
from archlock.reports.statistics import (
    Comparison,
    Estimate,
    headline,
    judged_targets,
    overall,
    source_loss,
)
from archlock.reports.warnings import is_constant
from archlock.reports.wording import capital, interval, plural, points, shorten
from archlock.tasks import KINDS

Kind = Literal["held", "partly", "did_not_hold", "nothing_to_lock", "not_measurable", "not_attacked"]

WORDS: Final[dict[Kind, str]] = {
    "held": "Held",
    "partly": "Partly held",
    "did_not_hold": "Did not hold",
    "nothing_to_lock": "Nothing to lock here",
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


_KINDS: Final[dict[Finding, Kind]] = {
    "nothing_to_lock": "nothing_to_lock",
    "taken": "held",
    "partly": "partly",
    "nothing_taken": "did_not_hold",
    "not_measurable": "not_measurable",
}


def _kind(record: LockRecord, loss: Estimate, away: Estimate, found: tuple[Side, ...]) -> tuple[Kind, tuple[str, ...]]:
    """The judgement and its reasons; the first of ``found`` is against the source-only model, ``away`` its mean."""
    if is_constant(record.locked, record.source):
        return "not_measurable", ("The locked model has learned nothing, so there is nothing in it to be locked.",)
    judgement = judge(record, found)
    kind, reasons = _KINDS[judgement.finding], list(judgement.reasons)
    if away.low is None or away.low <= 0 or kind not in ("held", "partly"):
        return kind, tuple(reasons)
    if floor_kept(record) is False:
        reasons.append("The source floor is missed on the test split.")
    reasons += [reason for side in found if (reason := _unhurt(side))]
    if away.mean <= loss.mean:
        reasons.append("The owner loses at least as much as the attackers.")
    return ("partly" if reasons else "held"), tuple(reasons)


def _unhurt(side: Side) -> str:
    """On how many targets attackers lose nothing against this side; empty if on none."""
    unhurt, count = sum(c.taken_away.mean <= 0 for c in side.judged), len(side.judged)
    if not unhurt:
        return ""
    if side.against == "source_only":
        return f"Attackers lose nothing on {plural(unhurt, 'target')} of {count}."
    return f"{capital(NAMES[side.against])} takes as much on {plural(unhurt, 'target')} of {count}."


def _sentence(record: LockRecord, kind: Kind, loss: Estimate, away: Estimate, judged: tuple[Comparison, ...]) -> str:
    where = target_words(record, len(judged))
    cost = _cost(record, loss)
    if kind == "nothing_to_lock":
        return f"The weights of the source-only model are worth nothing on {where}; {cost}."
    if all(comparison.nobody_needs_it for comparison in judged):
        return f"Attackers who have no model get at least as far on {where} as with either model; {cost}."
    amount = f"{points(abs(away.mean))}{_of(record, judged)}"
    on_average = " on average" if len(judged) > 1 else ""
    if kind == "did_not_hold" and away.high is not None and away.high < MEANINGFUL:
        change = "gain" if away.mean < 0 else "lose only"
        return f"The strongest attackers {change} {amount}{on_average} on {where}; {cost}."
    sure = away.low is not None and away.low > 0
    if sure or (kind in ("held", "partly") and away.mean > 0):
        sure_of = f" ({interval(away)})" if sure else ""
        return f"The strongest attackers lose {amount}{on_average}{sure_of} on {where}; {cost}."
    change = "lower" if away.mean >= 0 else "higher"
    return f"The strongest attacks come out {amount} {change}{on_average} on {where}, which may be chance; {cost}."


def _of(record: LockRecord, judged: tuple[Comparison, ...]) -> str:
    """Points of what, where it is not accuracy."""
    names = {comparison.target for comparison in judged}
    targets = [target for target in record.targets if target.name in names]
    kinds = {target.kind for target in targets if not target.scoring}
    scores = list(dict.fromkeys(kind.words.score for name, kind in KINDS.items() if name in kinds))
    scores += dict.fromkeys(target.scoring for target in targets if target.scoring)
    return "" if scores == ["accuracy"] else f" of {' or '.join(scores)}"


def _cost(record: LockRecord, loss: Estimate) -> str:
    name = shorten(record.source.name, 60)
    if abs(loss.mean) < 0.0005:
        return f"the owner loses nothing on {name}"
    verb = "loses" if loss.mean > 0 else "gains"
    return f"the owner {verb} {points(abs(loss.mean))} on {name}"
