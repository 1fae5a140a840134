"""What every report says of tasks, and of the versions that a result depends on."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from archlock import __version__
from archlock.recipes.doubles import Overlap
from archlock.reports import TargetRecord, TaskRecord
from archlock.tasks import Task


@dataclass(frozen=True, slots=True, eq=False)
class Attacked:
    """A target that is attacked, and where it came from: by what it was given as, whatever was made of its images."""

    task: Task
    seen_by_search: bool = False
    simulated: bool = False
    drawn: bool = False
    """Whether a simulated one was drawn, and not made from the source's images."""
    in_common: Overlap | None = None
    """What it shares with the source, where both are at hand."""
    same_as: str = ""
    """``source``, or the name of an earlier target, where this one is the same data."""


def task_record(task: Task) -> TaskRecord:
    """What a report says of the source."""
    return TaskRecord(
        name=task.name,
        origin=task.origin,
        fingerprint=task.fingerprint,
        kind=task.kind,
        classes=task.classes,
        shape=task.shape,
        examples={name: len(getattr(task, name)) for name in ("train", "validation", "test")},
        class_balance=task.class_balance,
        skipped=len(task.skipped),
        test_balance=_balance(task),
        form=task.form,
        mean=task.mean if task.measured else (),
        std=task.std if task.measured else (),
        scoring=_scoring(task),
        constant_score=None if task.scoring is None else task.scoring.chance(task.test.targets, task.test.groups),
    )


def _balance(task: Task) -> tuple[float, ...]:
    """Share of each class in the test split; empty for a dense task."""
    return task.traits.balance(task.test.targets, task.classes)


def target_record(name: str, attacked: Attacked) -> TargetRecord:
    """What a report says of a target."""
    task, found = attacked.task, attacked.in_common
    return TargetRecord(
        name=name,
        origin=task.origin,
        kind=task.kind,
        classes=len(task.classes),
        chance=task.chance,
        examples=len(task.train),
        seen_by_search=attacked.seen_by_search,
        simulated=attacked.simulated,
        drawn=attacked.drawn,
        fingerprint=task.fingerprint,
        same_as=attacked.same_as,
        images=found.images if found is not None and found.shared else None,
        of_source=found.shared if found is not None and found.shared else None,
        tests=len(task.test),
        form=task.form,
        scoring=_scoring(task),
    )


def _scoring(task: Task) -> str:
    return "" if task.scoring is None else task.scoring.words


def enlargements(targets: Mapping[str, Task]) -> tuple[str, ...]:
    """One sentence for every target whose images are smaller than what the models take."""
    return tuple(
        f"The images of {name} are {task.enlarged_from} pixels high or wide and were enlarged to {task.shape[1]} x "
        f"{task.shape[2]}: they show no more than before, and a model that is used to detail may do worse on them."
        for name, task in targets.items()
        if task.enlarged_from is not None
    )


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    found = {"archlock": __version__, "python": platform.python_version()}
    for package in ("torch", "numpy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
