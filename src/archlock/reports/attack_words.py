"""A stand-alone attack in words: one sentence for every target, and all attacks as a table for the terminal."""

from collections.abc import Mapping, Sequence

import numpy as np

from archlock.reports.arms import NAMES, arm_groups, arms_said, sides
from archlock.reports.judging import Finding, judge
from archlock.reports.measures import worth_said
from archlock.reports.outcomes import Terms
from archlock.reports.record import AttackRecord
from archlock.reports.record_parts import (
    OutcomeRecord,
    TargetRecord,
)
from archlock.reports.statistics import Estimate, baseline_gain, estimate, headline, judged_targets, strongest_alone
from archlock.reports.tables import AttackRow, attack_summary, baselines, outcome_groups
from archlock.reports.wording import (
    attack_name,
    attack_names,
    interval,
    number,
    points,
    role_names,
    score,
    score_interval,
    shorten,
)
from archlock.tasks import Kind

ARM_HEAD = ("model", "data", "source-only", "the other", "locked", "takes as well", "locked takes more", "95% interval")
FINDINGS: Mapping[Finding, str] = {
    "nothing_to_lock": "Nothing to take here",
    "taken": "Something is taken",
    "partly": "Something may be taken",
    "nothing_taken": "Nothing is taken",
    "not_measurable": "Not measurable",
}
_LONGEST_NAME = 60


def attack_headline(record: AttackRecord) -> str:
    """What the strongest attack reaches on every target, next to chance and to attacks that use none of the weights.

    With two models, what it reaches on each, the difference, and whether that is anything; with random architectures,
    what it reaches on those. Empty where no attack has a score.
    """
    if len(record.models) > 1:
        parts = (finding_said(record), *_paired_sentences(record), arms_said(record))
        return " ".join(part for part in parts if part)
    alone, targets = strongest_alone(record), {target.name: target for target in record.targets}
    sentences = []
    for name in (target.name for target in judged_targets(record)):
        met = [terms for target, terms in alone if target == name]
        if met:
            most = max(met, key=lambda terms: terms.rank)
            sentences.append(_alone_sentence(record, targets[name], alone[name, most], most))
    return " ".join(sentences)


def finding_said(record: AttackRecord) -> str:
    """Whether the attacked model gives less than the reference, by the rules of a verdict; empty without outcomes."""
    found = sides(record)
    if not found[0].judged:
        return ""
    names = {role: f"the {name} model" for role, name in role_names(record).items()} if record.opened else NAMES
    judgement = judge(record, found, names=names)
    return " ".join((f"{FINDINGS[judgement.finding]}.", *judgement.reasons))


def attack_table(record: AttackRecord) -> str:
    """The summary of all attacks and a row for each, as lines of text in columns."""
    head, keys = _columns(record)
    lines = []
    for group in outcome_groups(record):
        table = [head, *([*_name(row), *(_cell(row, key) for key in keys)] for row in group.rows)]
        lines += ["", f"{shorten(group.name, _LONGEST_NAME)} ({group.what})", *_columned(table)]
    for arms in arm_groups(record):
        rows = [[r.name, r.data, r.plain, r.arm, r.locked, r.as_well, r.away, r.interval] for r in arms.rows]
        name = f"What another architecture takes as well, on {shorten(arms.target, _LONGEST_NAME)}"
        lines += ["", name, *_columned([list(ARM_HEAD), *rows])]
    said = attack_headline(record)
    return "\n".join([*([said] if said else []), attack_summary(record), *lines])


def _columns(record: AttackRecord) -> tuple[list[str], list[str]]:
    """Heads of the columns, and what of a row is in all but the first two."""
    if len(record.models) > 1:
        names = role_names(record)
        away = "difference" if record.opened else "taken away"
        head = ["attack", "data", names["source_only"], names["locked"], away, "95% interval", "seeds"]
        return head, ["plain", "locked", "away", "interval", "seeds"]
    above = [f"above {attack_name(name).lower()}" for name in baselines(record)]
    head = ["attack", "data", "score", "95% interval", *above, "seeds"]
    return head, ["locked", "interval", *map(str, range(len(above))), "seeds"]


def _name(row: AttackRow) -> list[str]:
    return [attack_name(row.attacker) if row.attacker else "Strongest attack", row.data]


def _cell(row: AttackRow, key: str) -> str:
    return row.above[int(key)] if key.isdecimal() else str(getattr(row, key))


def _columned(table: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines: the first column to the left, the others to the right, all as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in table
    ]


def _alone_sentence(record: AttackRecord, target: TargetRecord, outcomes: Sequence[OutcomeRecord], terms: Terms) -> str:
    level = estimate([outcome.test for outcome in outcomes if outcome.test is not None])
    by = attack_names([outcome.attacker for outcome in outcomes])
    what = f"reaches {score(level.mean, target.kind)}{_bracket(level, target.kind)}"
    comparisons = [f"chance is {score(target.chance, target.kind)}"]
    for name in baselines(record)[1:]:
        gain = baseline_gain(record, outcomes, name, terms)
        if gain is not None:
            side = "more" if gain >= 0 else "less"
            comparisons.append(
                f"that is {points(abs(gain))} {side} than {_BASELINE_WORDS.get(name, attack_name(name))}"
            )
    said = worth_said(record, target.name)
    text = f"On {shorten(target.name, _LONGEST_NAME)} the strongest attack ({by}) {what}; {', and '.join(comparisons)}."
    return f"{text} {said}" if said else text


def _paired_sentences(record: AttackRecord) -> list[str]:
    names, kinds = role_names(record), {target.name: target.kind for target in record.targets}
    found = []
    for comparison in headline(record):
        kind, difference = kinds[comparison.target], comparison.taken_away
        side = "less" if difference.mean >= 0 else "more"
        away = difference if difference.mean >= 0 else _turned(difference)
        ours, other = (score(float(np.mean(s)), kind) for s in (comparison.locked, comparison.other))
        bounds = f" (95% interval {interval(away)})" if away.has_interval else ""
        found.append(
            f"On {shorten(comparison.target, _LONGEST_NAME)} the strongest attack reaches {ours} from the "
            f"{names['locked']} model and {other} from the {names['source_only']} one: {number(100 * away.mean)} "
            f"points {side}{bounds}."
        )
        said = worth_said(record, comparison.target)
        found += [said] if said else []
    return found


def _turned(found: Estimate) -> Estimate:
    """The same difference the other way round."""
    low, high = (None if end is None else -end for end in (found.high, found.low))
    return Estimate(-found.mean, low, high, found.count, found.basis)


def _bracket(level: Estimate, kind: Kind) -> str:
    return f" (95% interval {score_interval(level, kind)})" if level.has_interval else ""


_BASELINE_WORDS = {
    "from_scratch": "the same network trained from scratch",
    "ordinary": "an ordinary network",
}
