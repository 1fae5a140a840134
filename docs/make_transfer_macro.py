"""Record the tables ``transfer_macro``, ``transfer_macro100`` and ``transfer_cells``: where weights are worth much.

    python docs/make_transfer_macro.py measure --data DIR --out runs/transfer_macro --minutes 120
    python docs/make_transfer_macro.py keep --data DIR --out runs/transfer_macro   # at any time, and
    python docs/make_transfer_macro.py write --data DIR --out runs/transfer_macro  # when there are enough for a table

``DIR`` has the images: all of CIFAR-10 and CIFAR-100 (``cifar10_full.npz``, ``cifar100_full.npz``) and the targets.
Networks are trained on all of the source, then attacked by those who mean it with a few images of every target. What is
known is in ``docs/rows/transfer_macro.jsonl``, a line for every architecture and seed; ``measure`` goes on from there,
``keep`` adds what is new, and ``write`` makes the tables of it as well. One row again: ``measure --only transfer_macro
--code CODE --rows /dev/null``.
"""

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archlock.adaptation import SOURCE
from archlock.cli.options import stderr
from archlock.cli.progress import progress_on
from archlock.errors import TableError
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.execution import executor_for
from archlock.recipes import TransferConfig, transfer
from archlock.recipes.transfer.estimates import estimate_key
from archlock.recipes.transfer.outcomes import AttackWork
from archlock.recipes.transfer.source_models import source_key
from archlock.recipes.transfer.work import SPLITS, TransferWork, wanted
from archlock.records import fingerprint, write_atomic
from archlock.tasks import Task, open_task
from archlock.transferability import ESTIMATES

ROWS = Path(__file__).parent / "rows" / "transfer_macro.jsonl"
TABLES = Path(__file__).parents[1] / "src" / "archlock" / "tables" / "data"
Place = tuple[str, str, int]
"""Table, architecture, seed."""
Line = dict[str, Any]
SEEDS = 2
TARGETS = ("gtsrb", "fashion_mnist", "neu_defects", "tiny_imagenet16")
CONFIG = TransferConfig(
    "locking_macro",
    architectures=60,
    width=16,
    side=16,
    source_examples=40_000,
    source_epochs=8,
    source_rate=0.2,
    source_batch=128,
    source_shift=0.125,
    source_flip=True,
    source_clip=1.0,
    target_examples=4000,
    attackers=("best_layer_probe", "lp_ft", "renormalised", "from_scratch", "ordinary"),
    shots=5,
    horizon=4.0,
    design="balanced",
    costs=(0.4, 8.0),
    near=3,
)


@dataclass(frozen=True)
class Plan:
    """One table: what is trained on which source, and how many of its first architectures have a second training."""

    source: str
    config: TransferConfig
    repeated: int


PLANS = {
    "transfer_macro": Plan("cifar10_full", CONFIG, 20),
    "transfer_cells": Plan(
        "cifar10_full",
        replace(CONFIG, space="nasbench201", architectures=16, design="cost", costs=(0.0, math.inf), near=None),
        6,
    ),
    "transfer_macro100": Plan("cifar100_full", replace(CONFIG, architectures=20), 7),
}


def main() -> None:
    """Measure what is missing, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure", help="train and attack what is not there yet")
    measuring.add_argument("--minutes", type=float, default=None, help="begin nothing new after so long")
    measuring.add_argument("--workers", type=int, default=2)
    measuring.add_argument("--code", action="append", default=[], help="this architecture only, one training")
    measuring.add_argument("--again", action="store_true", help="the second trainings only")
    keeping = verbs.add_parser("keep", help="keep rows of what is finished")
    for one in (measuring, keeping, verbs.add_parser("write", help="keep them, and make the tables")):
        one.add_argument("--data", type=Path, required=True, help="folder of the images")
        one.add_argument("--out", type=Path, required=True, help="folder for stores and weights")
        one.add_argument("--only", choices=tuple(PLANS), action="append", help="instead of all tables, in this order")
        one.add_argument("--rows", type=Path, default=ROWS, help="what is known of all sessions")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    limited = given.verb == "measure" and given.minutes is not None
    end = time.monotonic() + 60 * given.minutes if limited else math.inf
    for name in given.only or PLANS:
        plan = PLANS[name]
        at = At(name, given.out, open_task(str(given.data / f"{plan.source}.npz")), open_targets(given.data))
        rows = read_rows(given.rows)
        put_in(rows, at)
        if given.verb == "measure":
            measure(at, end, workers=given.workers, codes=tuple(given.code), again=given.again)
            continue
        rows |= taken_out(at)
        write_atomic(given.rows, "".join(f"{json.dumps(rows[place])}\n" for place in sorted(rows)))
        if given.verb == "write":
            gather(at, replace(plan.config, seeds=SEEDS), TABLES / f"{name}.npz", minutes=0.0)


@dataclass(frozen=True)
class At:
    """A table, and where it is made."""

    name: str
    out: Path
    source: Task
    targets: tuple[Task, ...]

    @property
    def plan(self) -> Plan:
        """What is in it."""
        return PLANS[self.name]

    @property
    def store(self) -> Path:
        """Of what is measured in this session; one for all tables, who share trainings from scratch."""
        return self.out / "evidence.sqlite"

    @property
    def weights(self) -> Path:
        """Of the source models."""
        return self.out / "weights" / self.plan.config.space

    def lines(self) -> Iterator[tuple[Place, dict[str, tuple[Key, ...]]]]:
        """Of every line by what is measured: on validation and on test split, or the one place of an estimate."""
        config = self.plan.config
        work = TransferWork.on([self.source], self.targets, config, folder=self.weights, device="cpu")
        attacks = AttackWork.on(work, config)
        (source,) = work.sources
        for seed, one in itertools.product(range(SEEDS), wanted(config)):
            found = {"source": tuple(source_key(work, (one, seed, source), split) for split in SPLITS)}
            for job in attacks.jobs([one], seed):
                found[f"{job.target} {job.attacker}"] = tuple(attacks.key(job, split) for split in SPLITS)
            for target, name in itertools.product(work.others(source), ESTIMATES if seed == 0 else ()):
                found[f"{target} {name}"] = (estimate_key(work, one, name, target, source, seed),)
            yield (self.name, one.code, seed), found


def open_targets(data: Path) -> tuple[Task, ...]:
    """Those of all tables."""
    return tuple(open_task(str(data / f"{target}.npz")) for target in TARGETS)


def measure(at: At, end: float, *, workers: int, codes: tuple[str, ...], again: bool) -> None:
    """One training of everything, then another of the first; or one of the named."""
    config, every = at.plan.config, tuple(one.code for one in wanted(at.plan.config))
    passes = [replace(config, codes=codes)] if codes else [
        replace(config, codes=every), replace(config, codes=every[: at.plan.repeated], seeds=SEEDS)
    ]  # fmt: skip
    for one in passes[-1:] if again else passes:
        gather(at, one, at.out / f"{at.name}.npz", minutes=max(0.0, (end - time.monotonic()) / 60), workers=workers)


def gather(at: At, config: TransferConfig, table: Path, *, minutes: float, workers: int = 1) -> None:
    """What there is time for, and the table of what is complete."""
    with progress_on(stderr(), quiet=False) as progress:
        try:
            transfer(
                [at.source], at.targets, config, store=at.store, out=table, weights=at.weights,
                minutes=None if math.isinf(minutes) else minutes, progress=progress, executor=executor_for(workers),
                command=f"python docs/make_transfer_macro.py measure --only {at.name} --data DIR --out OUT",
            )  # fmt: skip
        except TableError as error:  # (no architecture is complete yet)
            progress.say(str(error))


def put_in(rows: Mapping[Place, Line], at: At) -> None:
    """Into the store, as if it had been measured now; not what was measured in another way."""
    store, found = EvidenceStore(at.store), []
    known = store.read()
    for place, keys in at.lines():
        line = rows.get(place)
        same = {
            label: values
            for label, (how, *values) in (line["values"] if line else {}).items()
            if label in keys and how == made(keys[label])
        }
        if not {label for label, each in keys.items() if len(each) > 1} <= set(same):
            same.pop("source", None)  # who still has to be attacked is trained again: the weights are not here
        for label, values in same.items():
            found += [measurement(key, one) for key, one in zip(keys[label], values, strict=True) if key not in known]
    store.write(found)


def taken_out(at: At) -> dict[Place, Line]:
    """A line for every architecture and seed whose source model is scored."""
    store = EvidenceStore(at.store).read()
    lines = {}
    for place, keys in at.lines():
        values = {
            label: [made(pair), *(kept(store[key]) for key in pair)]
            for label, pair in keys.items()
            if all(key in store for key in pair)
        }
        if "source" in values:
            lines[place] = {"table": place[0], "code": place[1], "seed": place[2], "values": values}
    return lines


def made(keys: tuple[Key, ...]) -> str:
    """How it was measured, as a fingerprint: data, settings and versions."""
    return fingerprint([f"{one.task} {one.fidelity}" for one in keys])[:12]


def kept(one: Measurement) -> list[Any]:
    """Value (None: none), seconds, status, note."""
    note = "" if one.key.measure == SOURCE and one.status == "valid" else one.note  # (there, the digest of weights)
    return [one.value if math.isfinite(one.value) else None, round(one.seconds, 1), one.status, note]


def measurement(key: Key, one: list[Any]) -> Measurement:
    """What :func:`kept` kept."""
    value, seconds, status, note = one
    return Measurement(
        key,
        math.nan if value is None else value,
        "" if key.measure.startswith("estimate.") else "accuracy",
        seconds,
        status,
        note,
    )


def read_rows(path: Path) -> dict[Place, Line]:
    """Those that are there."""
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {(one["table"], one["code"], one["seed"]): one for one in lines}


if __name__ == "__main__":
    main()
