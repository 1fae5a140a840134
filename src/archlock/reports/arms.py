"""The other architectures beside the locked one: what any above the source floor takes from attackers too.

A difference between the source-only model and the locked one is no merit of the search as far as a random architecture,
or the choice of a usual search, has it as well. So each of a run (an arm) was attacked like the locked one, and is
compared with it in the same way as the source-only model is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from archlock.reports.outcomes import Record
from archlock.reports.record_parts import ARMS, Role
from archlock.reports.slc_auc import Area, areas
from archlock.reports.statistics import STRONGEST, Comparison, Estimate, headline, judged_targets, overall
from archlock.reports.wording import (
    DASH,
    ROLES,
    data_words,
    interval,
    level,
    listed,
    number,
    percent,
    points,
    score,
    share,
)
from archlock.tasks import Kind

NAMES: Mapping[Role, str] = {
    "locked": "the locked model",
    "source_only": "the source-only model",
    "random": "a random architecture",
    "same_size": "a random architecture of the locked one's size",
    "nsga2": "the choice of NSGA-II",
}
"""The models in a sentence that begins with the locked one."""


@dataclass(frozen=True, slots=True)
class Side:
    """The locked model against one other: the headline comparisons, and what was taken away on average."""

    against: Role
    judged: tuple[Comparison, ...]
    """One per judged target that has a pair; may be empty."""
    taken_away: Estimate | None
    """Mean over targets of the other model minus the locked one; None where no target has a pair."""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One comparison with another architecture, every cell as text; ``sure`` if its interval excludes zero."""

    name: str
    data: str
    plain: str
    arm: str
    locked: str
    as_well: str
    """Points from the source-only model that the other architecture takes, too."""
    away: str
    interval: str
    sure: bool


@dataclass(frozen=True, slots=True)
class ArmGroup:
    """The comparisons on one target."""

    target: str
    rows: tuple[ArmRow, ...]


def arm_roles(record: Record) -> tuple[Role, ...]:
    """The other architectures that the record has models of."""
    return tuple(role for role in ARMS if any(model.role == role for model in record.models))


def sides(record: Record) -> tuple[Side, ...]:
    """What a lock must beat: the locked model against the source-only one and against every random architecture.

    NSGA-II seeks a lock itself, so to be level with it is no failure: it is told of, and decides nothing.
    """
    return tuple(side for side in every_side(record) if side.against != "nsga2")


def every_side(record: Record) -> tuple[Side, ...]:
    """The locked model against the source-only one and against every other architecture of the record."""
    found = []
    against: tuple[Role, ...] = ("source_only", *arm_roles(record))
    for role in against:
        judged = headline(record, role)
        found.append(Side(role, judged, overall(judged, seed=record.seed) if judged else None))
    return tuple(found)


def taken_as_well(plain: Side, arm: Side) -> float | None:
    """What another architecture takes from attackers as well: source-only minus it, mean over targets that have both.

    As the difference of two paired comparisons, so that an attack that failed on one model leaves it as it is. None
    where no target has both.
    """
    by_target = {comparison.target: comparison.taken_away.mean for comparison in arm.judged}
    found = [c.taken_away.mean - by_target[c.target] for c in plain.judged if c.target in by_target]
    return float(np.mean(found)) if found else None


def reached(record: Record) -> tuple[tuple[Role, str], ...]:
    """What the strongest attack reaches with every model, mean over the judged targets, the locked model first.

    Empty where no other architecture has a score.
    """
    plain, *others = every_side(record)
    arms = [side for side in others if side.judged]
    if not plain.judged or not arms:
        return ()
    kinds = _kinds(record, plain.judged)
    found: list[tuple[Role, float]] = [("locked", float(np.mean([np.mean(c.locked) for c in plain.judged])))]
    found += [(side.against, float(np.mean([np.mean(c.other) for c in side.judged]))) for side in (plain, *arms)]
    return tuple((role, level(value, kinds)) for role, value in found)


def as_well_said(record: Record) -> str:
    """How much of what is taken from those who have the source-only model every other architecture takes as well.

    Empty where nothing is taken, or no other architecture has a score.
    """
    plain, *arms = every_side(record)
    taken = 0.0 if plain.taken_away is None else plain.taken_away.mean
    ways = []
    for arm in arms:
        as_well = taken_as_well(plain, arm)
        if as_well is not None:
            part = f"{points(as_well)} ({percent(as_well / taken, 0)})" if as_well > 0 < taken else "nothing"
            ways.append(f"{NAMES[arm.against]} takes {part}")
    if taken <= 0 or not ways:
        return ""
    return f"Of the {points(taken)} that they lose against the source-only model, {listed(ways)} as well."


def arms_said(record: Record) -> str:
    """Both in sentences; empty where no other architecture has a score."""
    ways = [f"{text} with {NAMES[role]}" for role, text in reached(record)]
    if not ways:
        return ""
    return " ".join(filter(None, (f"The strongest attackers reach {listed(ways)}.", as_well_said(record))))


def arm_groups(record: Record) -> tuple[ArmGroup, ...]:
    """By judged target: the strongest attack on every other architecture next to the two models of the lock.

    With the most data and time, and the area over the shares of the data where there is one.
    """
    plain = _by_target(record, "source_only")
    found: dict[str, list[ArmRow]] = {target.name: [] for target in judged_targets(record)}
    kinds = {target.name: target.kind for target in record.targets}
    for role in arm_roles(record):
        for (target, data), arm in _by_target(record, role).items():
            found[target].append(_row(role, data, arm, plain.get((target, data)), kinds[target]))
    return tuple(ArmGroup(target, tuple(rows)) for target, rows in found.items() if rows)


def _by_target(record: Record, role: Role) -> dict[tuple[str, str], Comparison | Area]:
    """The headline comparison and the area of every judged target, by target and what the attackers had."""
    found: dict[tuple[str, str], Comparison | Area] = {
        (comparison.target, data_words(comparison.terms)): comparison for comparison in headline(record, role)
    }
    judged = {target for target, _ in found}
    for area in areas(record, role):
        if area.target in judged and (area.attacker, area.horizon) == (STRONGEST, 1.0):
            found[area.target, f"SLC-AUC, {share(area.fractions[0])} to {share(area.fractions[-1])}"] = area
    return found


def _row(role: Role, data: str, arm: Comparison | Area, plain: Comparison | Area | None, kind: Kind) -> ArmRow:
    away = arm.taken_away
    return ArmRow(
        name=ROLES[role],
        data=data,
        plain=DASH if plain is None else score(float(np.mean(plain.other)), kind),
        arm=score(float(np.mean(arm.other)), kind),
        locked=score(float(np.mean(arm.locked)), kind),
        as_well=DASH if plain is None else number(100 * (plain.taken_away.mean - away.mean)),
        away=number(100 * away.mean),
        interval=interval(away) if away.has_interval else "none",
        sure=away.low is not None and away.high is not None and (away.low > 0 or away.high < 0),
    )


def _kinds(record: Record, judged: Sequence[Comparison]) -> set[Kind]:
    names = {comparison.target for comparison in judged}
    return {target.kind for target in record.targets if target.name in names}
