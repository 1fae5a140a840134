"""Write a section of docs/findings.md: what locks take where weights are worth something to attackers who mean it.

    python docs/make_locks.py --run "Target known=runs/tk/result.json" --run "Target unknown=runs/tu/result.json"

Made of the results of ``archlock lock`` with other architectures beside the lock. Runs of before
that go by other titles stay, and so does the rest of the page.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from findings_of_runs import LOCKS, away, put_runs, row

from archlock.reports import AttackRecord, LockRecord, Role
from archlock.reports.statistics import estimate
from archlock.reports.wording import data_words
from archlock.reports.worth_curves import WorthPoint, worth_curves

INTRODUCTION = """Written by `python docs/make_locks.py` from runs of `archlock lock`. *Without*: the best of an
ordinary network and one of these architectures from scratch. *With*: the strongest attack on each network, chosen by
validation, up to so many times as long, as long as it pays. *Worth*: with the source-only network minus without.
*Taken*: what a network takes off what is reached with the source-only one; nobody is held to go below *without*. Points
of test accuracy, means over trainings with their own attacks, 95 % intervals (paired t). *Random*: drawn by lot among
those that are believed to keep the source floor. *NSGA-II*: its choice on the evidence of the lock, with as many
trainings.
"""
NAMES: dict[Role, str] = {
    "source_only": "source-only", "locked": "locked", "random": "random", "same_size": "same size", "nsga2": "NSGA-II",
}  # fmt: skip


def main() -> None:
    """Write the section."""
    put_runs(__doc__, LOCKS, INTRODUCTION, said)


def said(record: LockRecord | AttackRecord) -> Iterator[str]:
    """What one run says: the networks, what attackers get from each."""
    assert isinstance(record, LockRecord)
    roles = tuple(role for role in NAMES if any(model.role == role for model in record.models))
    yield "\n".join(networks(record, roles)) + "\n"
    yield "\n".join(attacks(record, roles)) + "\n"


def networks(record: LockRecord, roles: Sequence[Role]) -> Iterator[str]:
    """Every network: what it is, and what it is on the source."""
    models = {model.role: model for model in record.models}
    scores = {role: dict(zip(models[role].trainings, models[role].source_test, strict=True)) for role in roles}
    plain = scores["source_only"]
    yield row(["network", "architecture", "source, test", "lost to source-only"])
    yield row(["---"] * 4)
    for role, mine in scores.items():
        both = [plain[number] - mine[number] for number in sorted(plain.keys() & mine.keys())]
        missed = " (misses the floor)" if models[role].keeps_floor is False else ""
        cells = [f"{NAMES[role]}{missed}", f"`{models[role].code}`", f"{100 * float(np.mean(list(mine.values()))):.1f}"]
        yield row([*cells, "-" if role == "source_only" or not both else away(estimate(both))])


def attacks(record: LockRecord, roles: Sequence[Role]) -> Iterator[str]:
    """By target and amount of data what is reached with every network, and what each takes."""
    others = [role for role in roles if role != "source_only"]
    heads = ["target, data", "seen by the search", "without", *(f"with {NAMES[role]}" for role in roles), "worth"]
    yield row([*heads, *(f"taken: {NAMES[role]}" for role in others)])
    yield row(["---"] * (len(heads) + len(others)))
    seen = {target.name: target.seen_by_search for target in record.targets}
    for curve in worth_curves(record, record.targets):
        for point in curve.points:
            cells = [f"{curve.target}, {data_words(point.terms)}", "yes" if seen[curve.target] else "no"]
            cells.append(f"{100 * float(np.mean(point.without)):.1f}")
            cells += [mean(point.reached.get(role)) for role in roles]
            worth = away(point.worth("source_only")) if "source_only" in point.reached else "-"
            yield row([*cells, worth, *(taken(point, role) for role in others)])


def mean(scores: tuple[float, ...] | None) -> str:
    """In percent; a dash where an attack failed."""
    return "-" if scores is None else f"{100 * float(np.mean(scores)):.1f}"


def taken(point: WorthPoint, role: Role) -> str:
    """What is taken off the worth of the source-only network's weights, and the share of it where they are known to be
    worth something; a dash without one."""
    if not {role, "source_only"} <= point.reached.keys():
        return "-"
    plain, mine = ([max(pair) for pair in zip(point.reached[one], point.without, strict=True)]
                   for one in ("source_only", role))  # fmt: skip
    found, worth = estimate([p - m for p, m in zip(plain, mine, strict=True)]), point.worth("source_only")
    known = worth.low is not None and worth.low > 0
    return f"{away(found)}, {100 * found.mean / worth.mean:.0f} %" if known else away(found)


if __name__ == "__main__":
    main()
