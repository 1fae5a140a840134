"""The same attacks on a model before and after something was done to it: the record, and how it is told.

Paired by seed: both models meet the same images and random numbers. A difference is what attackers get from the model
*after* minus what they get from it *before*: above 0 it became a better start for others. The rules of which outcomes
count, of the strongest attack and of intervals are those of every attack (``outcomes``, ``statistics``).
"""

from dataclasses import dataclass, field

import numpy as np

from archlock.errors import RunError
from archlock.reports.outcomes import Terms
from archlock.reports.record_parts import OutcomeRecord, TargetRecord
from archlock.reports.statistics import STRONGEST, Comparison, Estimate, comparisons, estimate, strongest
from archlock.reports.wording import attack_name, data_words, interval, number, score, shorten

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeAfterRecord:
    """What attackers got of a model before (role ``source_only``) and after (``locked``). Born valid, else RunError."""

    names: tuple[str, str]
    """Of the model before and after, in words."""
    targets: tuple[TargetRecord, ...]
    """What both were attacked on."""
    outcomes: tuple[OutcomeRecord, ...]
    """One for each attack with each seed, on both."""
    epochs: int
    """Of a training of the attackers at fraction 1 and horizon 1."""
    seconds: float = 0.0
    """Working time of all attacks, as far as they were done in this run or kept from it."""
    notes: tuple[str, ...] = field(default=())
    """What a reader must know, in sentences."""

    def __post_init__(self) -> None:
        known = {target.name for target in self.targets}
        if not known or not {one.target for one in self.outcomes} <= known:
            raise RunError(f"attacks before and after are on the targets of their record; it has {sorted(known)}")
        if strange := {one.defended for one in self.outcomes} - {"locked", "source_only"}:
            raise RunError(
                f"of attacks before and after there are two models; got {', '.join(sorted(strange))} as well"
            )


@dataclass(frozen=True, slots=True)
class Change:
    """One attack on one target, before and after; scores in the order of the seeds."""

    target: TargetRecord
    attacker: str
    """Name of an attack, or ``strongest attack``: each model's own, chosen by validation."""
    terms: Terms
    seeds: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    without: tuple[float, ...]
    """What the data alone give, where that was measured and the attack is the strongest: nobody gets less."""
    difference: Estimate
    """After minus before: above 0 attackers get more."""

    @property
    def opened(self) -> bool | None:
        """Whether the interval lies wholly above 0 (True) or below it (False); None where it does neither."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return None
        return True if low > 0 else False if high < 0 else None


def changes(record: BeforeAfterRecord) -> tuple[Change, ...]:
    """By target and data: the strongest attack first, then every attack that has scores of both models."""
    targets = {target.name: target for target in record.targets}
    found = [_change(one, targets[one.target]) for one in (*strongest(record), *comparisons(record))]
    order = {name: place for place, name in enumerate(targets)}
    return tuple(sorted(found, key=lambda one: (order[one.target.name], [-n for n in one.terms.rank])))


def headline_changes(record: BeforeAfterRecord) -> tuple[Change, ...]:
    """The strongest attack on every target, with most data and then most time."""
    best: dict[str, Change] = {}
    for one in changes(record):
        if one.attacker == STRONGEST:
            best.setdefault(one.target.name, one)
    return tuple(best.values())


def before_after_sentences(record: BeforeAfterRecord) -> tuple[str, ...]:
    """One for every target: what the strongest attack gets of both, and whether that is a difference."""
    found = {one.target.name: one for one in headline_changes(record)}
    before, after = record.names
    said = []
    for target in record.targets:
        one, name = found.get(target.name), shorten(target.name, _LONGEST_NAME)
        if one is None:
            said.append(f"On {name} no attack has scores of both models, so nothing can be said.")
            continue
        levels = [score(float(np.mean(values)), target.kind) for values in (one.after, one.before)]
        said.append(
            f"On {name} the strongest attack reaches {levels[0]} from the model {after} and {levels[1]} from the one "
            f"{before}: {_difference(one)}"
        )
    return tuple(said)


def before_after_lines(record: BeforeAfterRecord) -> str:
    """All attacks as a table, for the terminal."""
    rows = [("target", "attack", "data", *record.names, "difference", "95% interval", "seeds")]
    rows += [before_after_cells(one) for one in changes(record)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def before_after_cells(change: Change) -> tuple[str, str, str, str, str, str, str, str]:
    """Target, attack, data, score before and after, difference in points, its interval, seeds."""
    kind = change.target.kind
    before, after = (score(float(np.mean(values)), kind) for values in (change.before, change.after))
    return (
        shorten(change.target.name, _LONGEST_NAME),
        "Strongest attack" if change.attacker == STRONGEST else attack_name(change.attacker),
        data_words(change.terms),
        before,
        after,
        _signed(change.difference.mean),
        interval(change.difference),
        str(len(change.seeds)),
    )


def _change(found: Comparison, target: TargetRecord) -> Change:
    return Change(
        target,
        found.attacker,
        found.terms,
        found.seeds,
        before=found.other,
        after=found.locked,
        without=found.without,
        difference=estimate([-difference for difference in found.differences]),
    )


def _difference(change: Change) -> str:
    """In words, with what it is worth."""
    found = change.difference
    words = f"{_signed(found.mean)} points"
    if not found.has_interval:
        return f"{words}, without an interval ({interval(found)}), so it may be chance."
    judged = {True: "attackers get more than before", False: "attackers get less than before"}
    said = "no difference beyond chance" if change.opened is None else judged[change.opened]
    return f"{words} (95% interval {interval(found)}), {said}."


def _signed(difference: float) -> str:
    text = number(100 * difference)
    return f"+{text}" if difference > 0 and text != "0.0" else text
