"""What the reports say beside the scores of attacks, as rows and sentences.

What the weights are worth, what an attack costs, and what further training on the source still gives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from archlock.reports.arms import arm_roles
from archlock.reports.attack_cost import REACH, Reach, cheapest, reaches
from archlock.reports.outcomes import Record
from archlock.reports.record_parts import (
    Role,
)
from archlock.reports.statistics import Estimate, estimate
from archlock.reports.weights_worth import worths
from archlock.reports.wording import (
    DASH,
    attack_name,
    capital,
    data_words,
    duration,
    interval,
    large,
    number,
    percent,
    plural,
    points,
    role_names,
    score,
    shorten,
    words_of,
)
from archlock.reports.worth_curves import WorthPoint, worth_curves

ORDER: tuple[Role, ...] = ("source_only", "locked")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what it is about, and a cell for every column."""

    name: str
    cells: tuple[str, ...]
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Rows about one target, with a sentence about them."""

    name: str
    said: str
    rows: tuple[Row, ...]


def roles(record: Record) -> tuple[Role, ...]:
    """The two models that are compared, or the one, in the order of the columns."""
    return ORDER if len(record.models) > 1 else ("locked",)


def every_role(record: Record) -> tuple[Role, ...]:
    """The same, with the random architectures of a lock run between them."""
    return ("source_only", *arm_roles(record), "locked") if len(record.models) > 1 else ("locked",)


def worth_groups(record: Record) -> tuple[Group, ...]:
    """By target: what the weights are worth at every amount of data, and the area over them; then each baseline."""
    found: dict[str, tuple[str, list[Row]]] = {}
    for curve in worth_curves(record):
        rows = [
            Row(
                f"Best without the model, with {data_words(point.terms)}",
                tuple(_worth_cell(point, role) for role in every_role(record)),
            )
            for point in curve.points
        ]
        areas = {role: curve.area(role) for role in every_role(record)}
        if any(areas.values()):
            cells = tuple(DASH if area is None else _bounded(area) for area in areas.values())
            rows.append(Row("Mean over the logarithm of the data", cells, marked=True))
        found[curve.target] = worth_said(record, curve.target), rows
    for worth in worths(record):
        cells = tuple(_bounded(worth.estimate(role)) if role in worth.gains else DASH for role in every_role(record))
        row = Row(f"{attack_name(worth.baseline)} ({data_words(worth.terms)})", cells)
        found.setdefault(worth.target, ("", []))[1].append(row)
    return tuple(Group(target, said, tuple(rows)) for target, (said, rows) in found.items())


def worth_said(record: Record, target: str) -> str:
    """What the weights are worth on a target with the most data, and from how much data on nothing; may be empty."""
    curve = next((curve for curve in worth_curves(record) if curve.target == target), None)
    if curve is None:
        return ""
    names, most, parts = role_names(record), curve.points[-1], []
    kind = next(one.kind for one in record.targets if one.name == target)
    for role in (role for role in roles(record) if role in most.reached):
        worth, share = most.worth(role), most.share(role)
        whose = f"the weights of the {names[role]} model" if len(roles(record)) > 1 else "its weights"
        bounds = f", 95% interval {interval(worth)}" if worth.has_interval else ""
        part = f"{whose} are worth {points(worth.mean)}"
        part += f" ({percent(share, 0)} of what the attack gains above chance{bounds})" if share else bounds
        nothing = curve.worthless_from(role)
        if nothing is curve.points[0]:
            part += ", not known to be above zero"
        elif nothing is not None:
            part += f", and not known to be worth anything from {data_words(nothing.terms)} of the data on"
        parts.append(part)
    alone = score(float(np.mean(most.without)), kind)
    data = data_words(most.terms)
    return f"Without the model the same data ({data}) give {alone}: {'; '.join(parts)}." if parts else ""


def _worth_cell(point: WorthPoint, role: Role) -> str:
    return _bounded(point.worth(role)) if role in point.reached else DASH


def cost_groups(record: Record) -> tuple[Group, ...]:
    """By target: for each attack and model the steps, operations and time until the level of the target is reached."""
    found = []
    for target, attacks in groupby(reaches(record), key=lambda reach: reach.target):
        met = list(attacks)
        least = cheapest(met, "locked")
        rows = tuple(
            Row(
                attack_name(reach.attacker),
                tuple(cell for role in roles(record) for cell in _cost_cells(reach, role)),
                reach is least,
            )
            for reach in met
        )
        found.append(Group(target, _cost_sentence(record, met), rows))
    return tuple(found)


def further_rows(record: Record) -> tuple[Row, ...]:
    """For each model: test score before and after further training on its source, and the gain."""
    names = role_names(record)
    found = []
    for role in every_role(record):
        mine = [one for one in record.further if one.defended == role]
        if mine:
            before, after = (float(np.mean([getattr(one, what) for one in mine])) for what in ("before", "after"))
            gain = estimate([one.after - one.before for one in mine])
            cells = (percent(before), percent(after), _bounded(gain), str(len(mine)))
            found.append(Row(capital(names[role]), cells, role == "locked"))
    return tuple(found)


def further_sentence(record: Record) -> str:
    """What an honest user gains, next to the reference where there is one; empty where nobody tried."""
    gains = {
        role: {one.seed: one.after - one.before for one in record.further if one.defended == role}
        for role in roles(record)
    }
    if not gains["locked"]:
        return ""
    names, mine = role_names(record), list(gains["locked"].values())
    one = record.further[0]
    new = "all of them" if one.unseen == one.examples else f"{one.unseen:,} of them"
    text = (
        f"Trained on with {plural(one.examples, words_of(record).one)} of the source, {new} new to it, the "
        f"{names['locked']} model {_change(float(np.mean(mine)))}"
    )
    common = sorted(set(gains["locked"]) & set(gains.get("source_only", {})))
    if not common:
        return f"{text}."
    other = float(np.mean([gains["source_only"][seed] for seed in common]))
    lost = estimate([gains["source_only"][seed] - gains["locked"][seed] for seed in common])
    bounds = f", 95% interval {interval(lost)}" if lost.has_interval else ""
    side = "less" if lost.mean >= 0 else "more"
    return (
        f"{text}, the {names['source_only']} one {_change(other)}: {points(abs(lost.mean))} {side} "
        f"({names['source_only']} minus {names['locked']} {number(100 * lost.mean)}{bounds})."
    )


def _change(gain: float) -> str:
    return f"{'gains' if gain >= 0 else 'loses'} {points(abs(gain))}"


def _bounded(found: Estimate) -> str:
    """Points, and the interval where there is one."""
    bounds = f" ({interval(found)})" if found.has_interval else ""
    return f"{number(100 * found.mean)}{bounds}"


def _cost_cells(reach: Reach, role: Role) -> tuple[str, str, str]:
    """Steps, operations and time; of an attack that most seeds never get there with, with how many they did."""
    if role not in reach.costs:
        return DASH, DASH, DASH
    if reach.median(role, "steps") is None:
        all_seeds = len(reach.costs[role])
        return "never" if not reach.reached(role) else f"{reach.reached(role)} of {all_seeds} seeds", "", ""
    steps, flops, seconds = (reach.median(role, unit) for unit in ("steps", "flops", "seconds"))
    return (
        DASH if steps is None else f"{steps:,.0f}",
        DASH if flops is None else large(round(flops)),
        DASH if seconds is None else duration(seconds),
    )


def _cost_sentence(record: Record, met: Sequence[Reach]) -> str:
    """The cheapest way to the level, for each model."""
    names = role_names(record)
    kind = next(target.kind for target in record.targets if target.name == met[0].target)
    target, level = shorten(met[0].target, _LONGEST_NAME), score(met[0].level, kind)
    paired = len(roles(record)) == 2
    whose = f"the strongest attack gains from the {names['source_only']} model" if paired else "training from scratch"
    gained = f"{percent(REACH, 0)} of what {whose}{'' if paired else ' gains'} above chance"
    least = {role: cheapest(met, role) for role in every_role(record)}
    if not any(least.values()):
        return f"On {target}, no attack reaches {level} ({gained})."
    ways = [_way(least[role], role, names[role]) for role in every_role(record)]
    text = f"On {target}, {level} ({gained}) {', and '.join(ways)}"
    plain, locked = (_operations(least.get(role), role) for role in ORDER)
    times = f": {number(locked / plain)} times as much" if plain and locked else ""
    return f"{text}{times}."


def _way(least: Reach | None, role: Role, name: str) -> str:
    if least is None:
        return f"is reached by no attack on the {name} model"
    attack = attack_name(least.attacker).lower()
    return f"takes {large(round(_operations(least, role)))} operations from the {name} model ({attack})"


def _operations(least: Reach | None, role: Role) -> float:
    """Of the cheapest attack; 0 if there is none."""
    return (least and least.median(role, "flops")) or 0.0
