"""The attacks of a record as rows of text, grouped by target, and the sentence above them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archlock.reports.record import LockRecord, OutcomeRecord, TargetRecord
from archlock.reports.statistics import (
    WEIGHTLESS,
    Comparison,
    Record,
    baseline_gain,
    comparisons,
    estimate,
    judged_targets,
    strongest,
    strongest_alone,
    valid_outcomes,
)
from archlock.reports.wording import DASH, interval, number, plural, score, seeds, share


@dataclass(frozen=True, slots=True)
class AttackRow:
    """One attack at one fraction, every cell as text; ``sure`` if the interval of the difference excludes zero."""

    attacker: str
    data: str
    locked: str
    plain: str
    away: str
    interval: str
    seeds: str
    sure: bool = False
    strongest: bool = False
    above: tuple[str, ...] = ()
    """Without a reference: points above chance, and above each other baseline of the record."""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """All attacks on one target."""

    name: str
    what: str
    judged: bool
    """Whether the verdict is about this target."""
    rows: tuple[AttackRow, ...]


def outcome_groups(record: Record) -> tuple[TargetGroup, ...]:
    """Rows by target: judged targets first; per fraction (largest first) the strongest attack, then all attacks."""
    order = {target.name: place for place, target in enumerate(judged_targets(record))}
    targets = sorted(record.targets, key=lambda target: order.get(target.name, len(order)))
    paired = _paired_rows(record) if _has_reference(record) else _lone_rows(record)
    return tuple(
        TargetGroup(
            target.name,
            _what(target),
            target.name in order,
            tuple(row for _, row in sorted(rows, key=lambda item: item[0])),
        )
        for target in targets
        if (rows := paired.get(target.name))
    )


def baselines(record: Record) -> tuple[str, ...]:
    """What a lone score is put next to: chance, and the attacks that need none of the weights, where they ran."""
    ran = {o.attacker for o in record.outcomes if o.status == "valid" and o.defended == "locked"}
    return ("chance", *(name for name in WEIGHTLESS if name in ran))


def attack_summary(record: Record) -> str:
    """How much was attacked, by what, with how many seeds, in one or two sentences."""
    valid = [outcome for outcome in record.outcomes if outcome.status == "valid"]
    if not valid:
        return "No attack has a score."
    targets = len({outcome.target for outcome in valid})
    attackers = len({outcome.attacker for outcome in valid})
    number_of_seeds = len({outcome.seed for outcome in valid})
    failed = len(record.outcomes) - len(valid)
    text = (
        f"{plural(len(valid), 'attack')} in all: {plural(attackers, 'kind')} of attack on "
        f"{plural(targets, 'target')}, with {seeds(number_of_seeds)}."
    )
    return text + (f" {plural(failed, 'more attack')} gave no score." if failed else "")


Placed = tuple[tuple[float, int], AttackRow]


def _paired_rows(record: Record) -> dict[str, list[Placed]]:
    kinds = {target.name: target for target in record.targets}
    rows: dict[str, list[Placed]] = {}
    both = (*strongest(record), *comparisons(record))
    first = len(strongest(record))
    for index, comparison in enumerate(both):
        target = kinds[comparison.target]
        row = _paired_row(comparison, target, is_strongest=index < first)
        rows.setdefault(target.name, []).append(((-comparison.fraction, index), row))
    return rows


def _paired_row(comparison: Comparison, target: TargetRecord, *, is_strongest: bool) -> AttackRow:
    away = comparison.taken_away
    return AttackRow(
        attacker="" if is_strongest else comparison.attacker,
        data=share(comparison.fraction),
        locked=score(float(np.mean(comparison.locked)), target.kind),
        plain=score(float(np.mean(comparison.source_only)), target.kind),
        away=number(100 * away.mean),
        interval=interval(away) if away.has_interval else "none",
        seeds=str(len(comparison.seeds)),
        sure=away.low is not None and away.high is not None and (away.low > 0 or away.high < 0),
        strongest=is_strongest,
    )


def _lone_rows(record: Record) -> dict[str, list[Placed]]:
    targets = {target.name: target for target in record.targets}
    rows: dict[str, list[Placed]] = {}
    for (name, fraction), outcomes in strongest_alone(record).items():
        row = _lone_row(record, "", outcomes, targets[name], fraction)
        rows.setdefault(name, []).append(((-fraction, -1), row))
    by_attack: dict[tuple[str, str, float], list[OutcomeRecord]] = {}
    for (name, fraction, _), by_role in valid_outcomes(record).items():
        for attacker, outcome in by_role["locked"].items():
            by_attack.setdefault((name, attacker, fraction), []).append(outcome)
    for index, ((name, attacker, fraction), outcomes_here) in enumerate(by_attack.items()):
        row = _lone_row(record, attacker, outcomes_here, targets[name], fraction)
        rows.setdefault(name, []).append(((-fraction, index), row))
    return rows


def _lone_row(
    record: Record, attacker: str, outcomes: Sequence[OutcomeRecord], target: TargetRecord, fraction: float
) -> AttackRow:
    level = estimate([outcome.test for outcome in outcomes if outcome.test is not None])
    low, high = level.low, level.high
    gains = [baseline_gain(record, outcomes, name, fraction) for name in baselines(record)]
    return AttackRow(
        attacker=attacker,
        data=share(fraction),
        locked=score(level.mean, target.kind),
        plain="",
        away="",
        interval="none" if low is None or high is None else interval(level),
        seeds=str(level.count),
        strongest=not attacker,
        above=tuple(DASH if gain is None else number(100 * gain) for gain in gains),
    )


def _has_reference(record: Record) -> bool:
    return isinstance(record, LockRecord) or len(record.models) == 2


def _what(target: TargetRecord) -> str:
    kind = plural(target.classes, "class", "classes") if target.kind == "classification" else "dense, R²"
    simulated = "simulated from the source, " if target.simulated else ""
    return f"{simulated}{kind}, chance {score(target.chance, target.kind)}"
