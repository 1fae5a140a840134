"""Write a section of docs/findings.md: what the weights of models are worth, by length of training and amount of data.

    python docs/make_worth.py --run "A lock met again=reread/result.json" --run "ResNet-20=resnet20/result.json"

Made of the results of ``archlock attack`` and ``docs/reread_locks.py``. Runs of before
that go by other titles stay, and so does the rest of the page.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from findings_of_runs import WORTH, away, put_runs, row

from archlock.reports import AttackRecord, LockRecord, Role, attack_headline
from archlock.reports.outcomes import Terms
from archlock.reports.statistics import Comparison, strongest
from archlock.reports.wording import attack_name, data_words
from archlock.reports.worth_curves import WorthPoint, worth_curves

INTRODUCTION = """Written by `python docs/make_worth.py`. Each attacker sweeps rates and optimisers until the best is
inside, and trains up to so many times as long, as long as that pays. *With the model*: the strongest attack, chosen by
validation. *Without*: the best of an ordinary network and the same architecture from scratch, tuned and trained as
long. *Worth*: with minus without, in points of test accuracy. *Taken*: what the lock takes off it; below zero nobody is
held to go. Means over three seeds of everything, with 95 % intervals (paired t over seeds).
"""


def main() -> None:
    """Write the section."""
    put_runs(__doc__, WORTH, INTRODUCTION, said)


def said(record: LockRecord | AttackRecord) -> Iterator[str]:
    """What one run says: a sentence, and tables."""
    assert isinstance(record, AttackRecord)
    yield f"{attack_headline(record)}\n"
    yield from by_amount(record)
    yield from by_attacker(record)


def by_amount(record: AttackRecord) -> Iterator[str]:
    """With and without the model, at every length and amount of data, and the area over the amounts."""
    roles: tuple[Role, ...] = ("source_only", "locked") if len(record.models) > 1 else ("locked",)
    names = {"source_only": "source-only", "locked": "locked" if len(roles) > 1 else "the model"}
    heads = ["target, data", *(f"with {names[role]}" for role in roles), "without"]
    heads += [f"worth of {names[role]}" for role in roles] + (["taken"] if len(roles) > 1 else [])
    lines = [row(heads), row(["---"] * len(heads))]
    compared = {(one.target, one.terms): one for one in strongest(record)} if len(roles) > 1 else {}
    areas = []
    for horizon in sorted({outcome.horizon for outcome in record.outcomes}):
        part = replace(record, outcomes=tuple(one for one in record.outcomes if one.horizon == horizon))
        for curve in worth_curves(part):
            lines += [
                row([f"{curve.target}, {data_words(point.terms)}", *_cells(point, roles, compared, curve.target)])
                for point in curve.points
            ]
            longer = f", {horizon:g}x as long" if horizon != 1 else ""
            found = {names[role]: curve.area(role) for role in roles}
            areas += [
                f"{name} on {curve.target}{longer} {away(area)}" for name, area in found.items() if area is not None
            ]
    yield "\n".join(lines) + "\n"
    if areas:
        yield f"Mean worth over the logarithm of the data: {'; '.join(areas)}.\n"


def by_attacker(record: AttackRecord) -> Iterator[str]:
    """Every attacker with the most data and the longest trainings."""
    longest = max(outcome.horizon for outcome in record.outcomes)
    most = [one for one in record.outcomes if one.horizon == longest and one.fraction == 1.0 and one.shots is None]
    roles = [role for role in ("source_only", "locked") if any(one.defended == role for one in most)]
    lines = [row(["target, attacker", *(role.replace("_", "-") for role in roles)])]
    lines.append(row(["---"] * (1 + len(roles))))
    for target, attacker in dict.fromkeys((one.target, one.attacker) for one in most):
        cells = []
        for role in roles:
            mine = [one for one in most if (one.target, one.attacker, one.defended) == (target, attacker, role)]
            tests = [one.test for one in mine if one.status == "valid" and one.test is not None]
            cells.append(f"{100 * float(np.mean(tests)):.1f}" if len(tests) == len(mine) else mine[0].status)
        lines.append(row([f"{target}, {attack_name(attacker).lower()}", *cells]))
    how_long = f", {longest:g} times as long" if longest > 1 else ""
    yield f"With all the data{how_long}:\n"
    yield "\n".join(lines) + "\n"


def _cells(
    point: WorthPoint, roles: tuple[Role, ...], compared: dict[tuple[str, Terms], Comparison], target: str
) -> list[str]:
    reached = [f"{100 * float(np.mean(point.reached[role])):.1f}" for role in roles]
    cells = [*reached, f"{100 * float(np.mean(point.without)):.1f}", *(away(point.worth(role)) for role in roles)]
    if len(roles) > 1:
        found = compared.get((target, point.terms))
        cells.append(away(found.taken_away) if found else "-")
    return cells


if __name__ == "__main__":
    main()
