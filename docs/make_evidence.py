"""Record what the evidence of a search says of the architectures of ``transfer_macro``, to compare with its truth.

    python docs/make_evidence.py --data DIR --minutes 60

``DIR`` has the images, as for ``docs/make_transfer_macro.py``. Evidence is bought as ``archlock lock`` buys it: *short*
is a training on few images with a narrow network, as of a source that has no more, *once* is one epoch of all images at
full width, as of one that has so many. Each is adapted (a probe and a fine-tuning on many examples; after *once* on all
of a target, where a lock takes 1,000, and on none of the simulated ones) and attacked in rehearsals (five images of
each class), on the table's targets and on the simulated ones that stand in for unknown ones.
``docs/rows/evidence.jsonl`` has a line for every architecture and level, and goes on from there;
``docs/make_locking.py`` says what it comes to.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal

from make_transfer_macro import PLANS, open_targets, read_rows
from make_transfer_macro import ROWS as TRUTH
from torch import nn

from archlock.adaptation import FINE_TUNE, PROBE, AdaptationSettings, measure_adaptation
from archlock.cli.options import stderr
from archlock.cli.progress import progress_on
from archlock.evidence import Measurement
from archlock.execution import executor_for, workers_kept
from archlock.recipes import Budget, LockConfig
from archlock.recipes.lock.allocation import allocate
from archlock.recipes.lock.config import STAND_INS
from archlock.recipes.lock.plan import FEW_EXAMPLES, Workload
from archlock.recipes.lock.rehearsing import Rehearsals
from archlock.recipes.lock.run import evidence_tasks
from archlock.recipes.transfer.work import TransferWork
from archlock.spaces import Architecture
from archlock.tasks import SIMULATORS, Task, open_task, subsample

ROWS = Path(__file__).parent / "rows" / "evidence.jsonl"
NAME = "transfer_macro"
SHOTS = 5
Level = Literal["short", "once"]
LEVELS: tuple[Level, ...] = ("short", "once")


@dataclass(frozen=True)
class Line:
    """What one level of evidence says of one architecture; accuracies on validation splits, None where it failed."""

    code: str
    level: Level
    source: float | None
    adapted: dict[str, float | None]
    """By task the better of a probe and a fine-tuning."""
    rehearsed: dict[str, float | None]
    """By task what the strongest rehearsed attack gets."""
    seconds: dict[str, float]
    """Of the training, of adapting to one task, of rehearsing on one."""

    @property
    def place(self) -> tuple[str, str]:
        """What it is a line of."""
        return self.code, self.level


@dataclass(frozen=True)
class Work:
    """Tasks at evidence size and at full size, and how both are trained."""

    transfer: TransferWork
    short: Task
    small: dict[str, Task]
    targets: dict[str, Task]
    """The table's, and simulated ones."""
    settings: AdaptationSettings
    """Of short trainings."""
    full: AdaptationSettings
    rehearsals: Rehearsals

    @property
    def source(self) -> Task:
        """At full size."""
        return self.transfer.sources[PLANS[NAME].source]

    @classmethod
    def on(cls, data: Path) -> "Work":
        """As a lock of this source would buy it."""
        plan = PLANS[NAME]
        source = open_task(str(data / f"{plan.source}.npz"))
        transfer = TransferWork.on([source], open_targets(data), plan.config, device="cpu")
        (source,) = transfer.sources.values()
        targets = {name: transfer.targets[name] for name in transfer.others(source.name)}
        targets |= {name: SIMULATORS[name].simulate(source, seed=0) for name in STAND_INS["image"][0]}
        config = LockConfig(
            "tk", plan.config.space, "rehearsal", budget=Budget(8, "trainings"), width=plan.config.width,
            flip=True, shots=(SHOTS,), fractions=(),
        )  # fmt: skip
        largest = max(len(one.train) for one in targets.values())
        few = subsample(source, FEW_EXAMPLES, seed=0)  # (of all images, a lock would buy a pass through all)
        planned = allocate(config, few, Workload(1, len(targets), largest), lambda *_: math.nan)
        small = evidence_tasks(few, targets, planned, config)
        return cls(
            transfer, small.source, dict(small.targets), targets, planned.evidence, planned.final, Rehearsals(SHOTS)
        )


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the images")
    parser.add_argument("--level", choices=LEVELS, action="append", help="instead of all, in this order")
    parser.add_argument("--code", action="append", help="this architecture only")
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin nothing new after so long")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=Path, default=ROWS)
    given = parser.parse_args()
    work, end = Work.on(given.data), time.monotonic() + 60 * given.minutes
    codes = given.code or list(dict.fromkeys(code for table, code, _ in read_rows(TRUTH) if table == NAME))
    known = {line.place for line in lines(given.rows)}
    wanted = [(code, level) for level in given.level or LEVELS for code in codes]
    left = [place for place in wanted if place not in known]
    with progress_on(stderr(), quiet=False) as progress, workers_kept():
        progress.begin("evidence", len(left))
        for start in range(0, len(left), given.workers):
            if time.monotonic() > end:
                break
            for _, line in executor_for(given.workers).run(measured, work, left[start : start + given.workers]):
                with given.rows.open("a") as file:
                    file.write(json.dumps(asdict(line)) + "\n")
                progress.advance(1, f"{line.code} {line.level}")


def lines(path: Path = ROWS) -> Iterator[Line]:
    """Those that are there."""
    for text in path.read_text().splitlines() if path.exists() else []:
        yield Line(**json.loads(text))


def measured(work: Work, job: tuple[str, Level]) -> Line:
    """One line; where all images are trained on, simulated targets, which have as many, are rehearsed only."""
    code, level = job
    architecture = Architecture(PLANS[NAME].config.space, code)
    source, targets, settings, rehearsals = work.short, work.small, work.settings, work.rehearsals.short
    if level == "once":
        plan = replace(work.full, source_plan=replace(work.full.source_plan, epochs=1))
        source, targets, settings = work.source, work.targets, plan
    keys = {
        rehearsals.key(architecture, task, settings, source, seed=0, device=work.transfer.device): task
        for task in targets.values()
    }

    def then(model: nn.Module | None) -> Iterator[Measurement]:
        return rehearsals.measure(model, keys, seed=0, device="cpu")

    adapted = {name: task for name, task in targets.items() if level == "short" or name in work.transfer.targets}
    first, *found = measure_adaptation(architecture, source, adapted, settings, then=then, seed=0)
    return line_of(architecture, level, first, found, targets)


def line_of(
    architecture: Architecture, level: Level, first: Measurement, found: list[Measurement], targets: dict[str, Task]
) -> Line:
    """What was measured, by the names of the tasks."""
    adapting, rehearsing = (
        [one for one in found if (one.key.measure in (PROBE, FINE_TUNE)) is wanted] for wanted in (True, False)
    )

    def by_task(several: list[Measurement]) -> dict[str, float | None]:
        return {
            name: max((one.value for one in several if usable(one) and one.key.task == task.fingerprint), default=None)
            for name, task in targets.items()
        }

    seconds = {
        "training": first.seconds,
        "adapting": sum(one.seconds for one in adapting) / len({one.key.task for one in adapting}),
        "rehearsing": fmean(one.seconds for one in rehearsing),
    }
    return Line(
        architecture.code,
        level,
        first.value if usable(first) else None,
        by_task(adapting),
        by_task(rehearsing),
        {name: round(value, 2) for name, value in seconds.items()},
    )


def usable(one: Measurement) -> bool:
    """Whether it has a value."""
    return one.status == "valid" and math.isfinite(one.value)


if __name__ == "__main__":
    main()
