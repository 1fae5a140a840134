"""Architecture and training, two by two: what each takes from attackers, and what one adds to the other.

Of a lock whose networks were trained on after the plain training. Two networks of the four are compared as any two
models are (``statistics``): under the strongest attack on each, paired by seed, and nobody does worse than without the
model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from archlock.reports.outcomes import WEIGHTLESS, Place, without_the_model
from archlock.reports.record import LockRecord
from archlock.reports.record_parts import ARMS, OutcomeRecord, Role
from archlock.reports.statistics import Comparison, Estimate, comparisons, estimate, headline, judged_targets, overall
from archlock.reports.wording import (
    DASH,
    ROLES,
    attack_name,
    capital,
    data_words,
    interval,
    listed,
    number,
    plural,
    points,
    score,
    shorten,
)
from archlock.tasks import Kind

_LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """One of the networks: which architecture, and whether it is after the nontransferable training."""

    role: Role
    after: bool


LOCKED: Final = (Cell("locked", False), Cell("locked", True))
SOURCE_ONLY: Final = (Cell("source_only", False), Cell("source_only", True))
"""Before and after."""


@dataclass(frozen=True, slots=True)
class TwoByTwoRow:
    """One architecture, or the difference of two, every cell as text; ``sure`` if the last interval excludes zero."""

    name: str
    plain: str
    after: str
    taken: str
    """What the training takes from attackers, in points, with its interval where there is one."""
    sure: bool = False


@dataclass(frozen=True, slots=True)
class TwoByTwoGroup:
    """All of it on one judged target: under the strongest attack, then attack by attack."""

    target: str
    data: str
    rows: tuple[TwoByTwoRow, ...]
    attacks: tuple[TwoByTwoRow, ...]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What became of one model on its source."""

    name: str
    plain: str
    after: str
    given_up: str


def two_by_two(record: LockRecord) -> tuple[TwoByTwoGroup, ...]:
    """One group for each judged target; empty where the networks were trained plainly."""
    if record.nontransferable is None:
        return ()
    kinds = {target.name: target.kind for target in record.targets}
    roles = _roles(record)
    trained = {role: _by_target(record, Cell(role, False), Cell(role, True)) for role in roles}
    before = _by_target(record, SOURCE_ONLY[0], LOCKED[0])
    afterwards = _by_target(record, SOURCE_ONLY[1], LOCKED[1])
    singly = {role: _by_attack(record, Cell(role, False), Cell(role, True)) for role in ("source_only", "locked")}
    found = []
    for target in (one.name for one in judged_targets(record)):
        there = [role for role in roles if target in trained[role]]
        rows = [_row(capital(ROLES[role]), trained[role][target], kinds[target]) for role in there]
        if target in before and target in afterwards:
            rows.append(_difference(before[target], afterwards[target]))
        if not there:
            continue
        attacks = [
            _row(f"{attack_name(attacker)}, {ROLES[role]}", one, kinds[target])
            for name, attacker in singly["locked"]
            if name == target
            for role in ("source_only", "locked")
            if (one := singly[role].get((name, attacker))) is not None
        ]
        found.append(TwoByTwoGroup(target, data_words(trained[there[0]][target].terms), tuple(rows), tuple(attacks)))
    return tuple(found)


def source_rows(record: LockRecord) -> tuple[SourceRow, ...]:
    """Source test score of every model before and after the training, and how often it was given up."""
    block = record.nontransferable
    if block is None:
        return ()
    after = {model.role: model for model in record.models}
    return tuple(
        SourceRow(
            capital(ROLES[one.role]),
            score(float(np.mean(one.source_test)), record.source.kind),
            score(float(np.mean(after[one.role].source_test)), record.source.kind),
            f"{one.given_up} of {len(one.kept)}",
        )
        for one in block.models
    )


def two_by_two_said(record: LockRecord) -> str:
    """What training, architecture and both take from the strongest attackers on average; empty where there is nothing.

    With what both cost the owner, and for how many networks the training was given up.
    """
    block = record.nontransferable
    if block is None:
        return ""
    ways = {
        "training": (SOURCE_ONLY[0], SOURCE_ONLY[1]),
        "training on the lock": (LOCKED[0], LOCKED[1]),
        "architecture": (SOURCE_ONLY[0], LOCKED[0]),
        "architecture after it": (SOURCE_ONLY[1], LOCKED[1]),
        "both": (SOURCE_ONLY[0], LOCKED[1]),
    }
    taken = {name: _overall(record, *cells) for name, cells in ways.items()}
    name, text = block.training, _given_up(record)
    said = {way: _points(one) for way, one in taken.items() if one is not None}
    if len(said) < len(ways):
        return f"Nothing can be said of what {name} takes from attackers: no attack ran on all models. {text}".strip()
    return (
        f"Training with {name} takes {said['training']} from the strongest attackers on the source-only architecture "
        f"and {said['training on the lock']} on the locked one. The locked architecture takes {said['architecture']} "
        f"where both were trained plainly and {said['architecture after it']} after {name}. Both together take "
        f"{said['both']}, and {_cost(record)}. {text}"
    ).strip()


def _roles(record: LockRecord) -> tuple[Role, ...]:
    """With a plainly trained model, the source-only one first and the locked one last."""
    there = [one.role for one in record.nontransferable.models] if record.nontransferable is not None else []
    order: tuple[Role, ...] = ("source_only", *ARMS, "locked")
    return tuple(role for role in order if role in there)


def _view(record: LockRecord, other: Cell, ours: Cell) -> LockRecord:
    """The record as if ``ours`` were the locked model and ``other`` the source-only one."""
    outcomes = [replace(one, defended="locked") for one in _outcomes(record, ours)]
    outcomes += [replace(one, defended="source_only") for one in _outcomes(record, other)]
    return replace(record, outcomes=tuple(outcomes), nontransferable=None)


def _outcomes(record: LockRecord, cell: Cell) -> list[OutcomeRecord]:
    """Of attacks on one network; whoever uses no weights does the same before and after."""
    after = [one for one in record.outcomes if one.defended == cell.role]
    if cell.after or record.nontransferable is None:
        return after
    before = [one for one in record.nontransferable.outcomes if one.defended == cell.role]
    return [*before, *(one for one in after if one.attacker in WEIGHTLESS)]


def _by_target(record: LockRecord, other: Cell, ours: Cell) -> dict[str, Comparison]:
    """The strongest attack on both networks, by judged target."""
    alone = without_the_model(record)
    return {one.target: _bounded_below(one, alone) for one in headline(_view(record, other, ours))}


def _by_attack(record: LockRecord, other: Cell, ours: Cell) -> dict[tuple[str, str], Comparison]:
    """Every attack that uses the weights, by target and name, with the most data and time."""
    found: dict[tuple[str, str], Comparison] = {}
    for one in comparisons(_view(record, other, ours)):
        place = one.target, one.attacker
        if one.attacker not in WEIGHTLESS and (place not in found or one.terms.rank > found[place].terms.rank):
            found[place] = one
    return found


def _bounded_below(one: Comparison, alone: Mapping[Place, float]) -> Comparison:
    """With what is reached without the model, by anybody of the whole record."""
    without = [alone[place] for seed in one.seeds if (place := (one.target, one.terms, seed)) in alone]
    return replace(one, without=tuple(without) if len(without) == len(one.seeds) else ())


def _row(name: str, one: Comparison, kind: Kind) -> TwoByTwoRow:
    plain, after = (score(float(np.mean(values)), kind) for values in (one.other, one.locked))
    return TwoByTwoRow(name, plain, after, _text(one.taken_away), _sure(one.taken_away))


def _difference(before: Comparison, after: Comparison) -> TwoByTwoRow:
    """What the architecture takes, before and after the training; and by how much more after it, seed by seed."""
    first, second = (dict(zip(one.seeds, one.differences, strict=True)) for one in (before, after))
    common = sorted(first.keys() & second.keys())
    more = estimate([second[seed] - first[seed] for seed in common]) if common else None
    return TwoByTwoRow(
        "Source-only minus locked",
        _text(before.taken_away),
        _text(after.taken_away),
        DASH if more is None else _text(more),
        more is not None and _sure(more),
    )


def _overall(record: LockRecord, other: Cell, ours: Cell) -> Estimate | None:
    judged = tuple(_by_target(record, other, ours).values())
    return overall(judged, seed=record.seed) if judged else None


def _cost(record: LockRecord) -> str:
    """What the owner loses against the source-only architecture trained plainly, paired by training seed."""
    block = record.nontransferable
    assert block is not None
    before = next(one for one in block.models if one.role == "source_only")
    plain = dict(zip(record.source_only.trainings, before.source_test, strict=True))
    locked = dict(zip(record.locked.trainings, record.locked.source_test, strict=True))
    common = sorted(plain.keys() & locked.keys())
    lost = (
        estimate([plain[number] - locked[number] for number in common])
        if common
        else Estimate(float(np.mean(before.source_test) - np.mean(record.locked.source_test)), None, None, 0)
    )
    verb = "cost" if lost.mean >= 0 else "gain"
    bounds = f" (95% interval of the loss {interval(lost)})" if lost.has_interval else ""
    return f"{verb} the owner {points(abs(lost.mean))} on {shorten(record.source.name, _LONGEST_NAME)}{bounds}"


def _given_up(record: LockRecord) -> str:
    block = record.nontransferable
    parts = [
        f"{one.given_up} of {plural(len(one.kept), 'network')} of the {ROLES[one.role]} model"
        for one in (() if block is None else block.models)
        if one.given_up
    ]
    if not parts:
        return ""
    return f"It was given up for {listed(parts)}, which stay as they were trained plainly."


def _points(found: Estimate) -> str:
    bounds = f" ({interval(found)})" if found.has_interval else ""
    return f"{points(found.mean)}{bounds}"


def _text(found: Estimate) -> str:
    bounds = f" ({interval(found)})" if found.has_interval else ""
    return f"{number(100 * found.mean)}{bounds}"


def _sure(found: Estimate) -> bool:
    return found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
