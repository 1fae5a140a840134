"""The attacks of a record as rows of text, grouped by target, and the sentence above them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from archlock.reports.outcomes import MODEL_FREE, WEIGHTLESS, Record, Terms, valid_outcomes
from archlock.reports.record_parts import (
    OutcomeRecord,
    TargetRecord,
)
from archlock.reports.slc_auc import Area, areas, areas_alone
from archlock.reports.statistics import (
    STRONGEST,
    Comparison,
    baseline_gain,
    comparisons,
    estimate,
    judged_targets,
    strongest,
    strongest_alone,
)
from archlock.reports.wording import DASH, data_words, interval, number, plural, score, score_interval, seeds, share
from archlock.tasks import KINDS


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
    area: bool = False
    """Whether its scores are areas under a curve (SLC-AUC)."""


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """All attacks on one target."""

    name: str
    what: str
    judged: bool
    """Whether the verdict is about this target."""
    rows: tuple[AttackRow, ...]

    @property
    def has_areas(self) -> bool:
        """Whether there are areas under curves among the rows."""
        return any(row.area for row in self.rows)


def outcome_groups(record: Record) -> tuple[TargetGroup, ...]:
    """Rows by target: judged targets first; by data and time (most first) the strongest attack, then all attacks;
    last the areas under the curves over the data."""
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


Placed = tuple[tuple[tuple[float, float, float], int], AttackRow]

_LAST = (1.0, 0.0, 0.0)


def _paired_rows(record: Record) -> dict[str, list[Placed]]:
    kinds = {target.name: target for target in record.targets}
    rows: dict[str, list[Placed]] = {}
    for index, comparison in enumerate((*strongest(record), *comparisons(record))):
        row = _paired_row(comparison, kinds[comparison.target], data_words(comparison.terms))
        rows.setdefault(comparison.target, []).append(((_place(comparison.terms), index), row))
    for index, area in enumerate(areas(record)):
        row = replace(_paired_row(area, kinds[area.target], _axis(area)), area=True)
        rows[area.target].append(((_LAST, index), row))
    return rows


def _paired_row(found: Comparison | Area, target: TargetRecord, data: str) -> AttackRow:
    away, apart = found.taken_away, found.attacker == MODEL_FREE  # (nothing can be taken away from that one)
    return AttackRow(
        attacker="" if found.attacker == STRONGEST else found.attacker,
        data=data,
        locked=score(float(np.mean(found.locked)), target.kind),
        plain=score(float(np.mean(found.other)), target.kind),
        away=DASH if apart else number(100 * away.mean),
        interval=DASH if apart else interval(away) if away.has_interval else "none",
        seeds=str(len(found.locked)),
        sure=not apart and away.low is not None and away.high is not None and (away.low > 0 or away.high < 0),
        strongest=found.attacker == STRONGEST,
    )


def _lone_rows(record: Record) -> dict[str, list[Placed]]:
    targets = {target.name: target for target in record.targets}
    rows: dict[str, list[Placed]] = {}
    for (name, terms), outcomes in strongest_alone(record).items():
        row = _lone_row(record, "", outcomes, targets[name], terms)
        rows.setdefault(name, []).append(((_place(terms), -1), row))
    by_attack: dict[tuple[str, str, Terms], list[OutcomeRecord]] = {}
    for (name, terms, _), by_role in valid_outcomes(record).items():
        for attacker, outcome in by_role["locked"].items():
            by_attack.setdefault((name, attacker, terms), []).append(outcome)
    for index, ((name, attacker, terms), outcomes_here) in enumerate(by_attack.items()):
        row = _lone_row(record, attacker, outcomes_here, targets[name], terms)
        rows.setdefault(name, []).append(((_place(terms), index), row))
    for index, area in enumerate(areas_alone(record)):
        rows[area.target].append(((_LAST, index), _lone_area(record, area, targets[area.target])))
    return rows


def _lone_row(
    record: Record, attacker: str, outcomes: Sequence[OutcomeRecord], target: TargetRecord, terms: Terms
) -> AttackRow:
    level = estimate([outcome.test for outcome in outcomes if outcome.test is not None])
    gains = [baseline_gain(record, outcomes, name, terms) for name in baselines(record)]
    return AttackRow(
        attacker=attacker,
        data=data_words(terms),
        locked=score(level.mean, target.kind),
        plain="",
        away="",
        interval=score_interval(level, target.kind) if level.has_interval else "none",
        seeds=str(level.count),
        strongest=not attacker,
        above=tuple(DASH if gain is None else number(100 * gain) for gain in gains),
    )


def _place(terms: Terms) -> tuple[float, float, float]:
    """Most data first, then most time."""
    fraction, by_share, horizon = terms.rank
    return -fraction, -float(by_share), -horizon


def _lone_area(record: Record, area: Area, target: TargetRecord) -> AttackRow:
    level = estimate(area.locked)
    return AttackRow(
        attacker="" if area.attacker == STRONGEST else area.attacker,
        data=_axis(area),
        locked=score(level.mean, target.kind),
        plain="",
        away="",
        interval=score_interval(level, target.kind) if level.has_interval else "none",
        seeds=str(level.count),
        strongest=area.attacker == STRONGEST,
        area=True,
        above=(DASH,) * len(baselines(record)),
    )


def _axis(area: Area) -> str:
    """What an area goes over."""
    longer = "" if area.horizon == 1 else f", {area.horizon:g}x as long"
    return f"SLC-AUC, {share(area.fractions[0])} to {share(area.fractions[-1])}{longer}"


def _has_reference(record: Record) -> bool:
    return len(record.models) > 1


def _what(target: TargetRecord) -> str:
    words = KINDS[target.kind].words
    kind = plural(target.classes, *words.counted) if words.counted else f"{words.short}, {words.score}"
    simulated = f"{target.stand_in}, " if target.simulated else ""
    scored = f"{target.scoring}, " if target.scoring else ""
    return f"{simulated}{kind}, {scored}chance {score(target.chance, target.kind)}"
