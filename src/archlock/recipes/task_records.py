"""What every report says of tasks, and of the versions that a result depends on."""

import platform
from importlib.metadata import PackageNotFoundError, version

from archlock import __version__
from archlock.reports import TargetRecord, TaskRecord
from archlock.tasks import Task


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


def target_record(name: str, task: Task, *, seen_by_search: bool, simulated: bool) -> TargetRecord:
    """What a report says of a target."""
    return TargetRecord(
        name=name,
        origin=task.origin,
        kind=task.kind,
        classes=len(task.classes),
        chance=task.chance,
        examples=len(task.train),
        seen_by_search=seen_by_search,
        simulated=simulated,
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
