"""What every report says of tasks, and of the versions that a result depends on."""

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from archlock import __version__
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
    )


def target_record(name: str, attacked: Attacked) -> TargetRecord:
    """What a report says of a target."""
    task = attacked.task
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
