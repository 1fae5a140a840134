"""Several tasks, each with a name of its own."""

from collections.abc import Sequence

from archlock.errors import ConfigurationError
from archlock.tasks import Task


def by_name(tasks: Sequence[Task], what: str = "measuring") -> dict[str, Task]:
    """The tasks by their names; none at all, or two of one name, raise ConfigurationError (``what`` needs them)."""
    found = {task.name: task for task in tasks}
    if len(found) < max(1, len(tasks)):
        names = ", ".join(task.name for task in tasks) or "none"
        raise ConfigurationError(f"{what} needs tasks of different names; got {names}")
    return found


def named(tasks: Sequence[Task]) -> dict[str, Task]:
    """Tasks by name; a name that is taken gets a number."""
    found: dict[str, Task] = {}
    for task in tasks:
        names = [task.name, *(f"{task.name} ({number})" for number in range(2, len(tasks) + 2))]
        found[next(name for name in names if name not in found)] = task
    return found
