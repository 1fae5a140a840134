"""Whether this process may begin others: workers of a pool may not, nor a script that is only being imported again."""

import multiprocessing
import warnings
from numbers import Integral
from typing import Any, Final

from archlock.errors import ConfigurationError

LARGEST: Final = 4096
"""More worker processes than this on one machine are a slip of the finger."""


def allowed_workers(asked: int) -> int:
    """So many worker processes as are asked for, or 1 where this process may begin none (:func:`begins_processes`).

    What is no number of worker processes raises ConfigurationError.
    """
    check_workers(asked)
    return int(asked) if asked == 1 or begins_processes() else 1


def begins_processes() -> bool:
    """Whether this process may begin others; no comes with a RuntimeWarning, since everything will be done in it.

    A worker of a ``multiprocessing`` pool (or of a task queue that is made like one) is daemonic, and Python lets it
    have no children. A process that is still importing the user's script raises ConfigurationError: it would do the
    whole script's work once more.
    """
    process: Any = multiprocessing.current_process()
    if getattr(process, "_inheriting", False):
        raise ConfigurationError(
            "this process was begun to work for a script and imports it, so what the script does would be done once "
            "more. Put that under the line  if __name__ == '__main__':  (with workers=1 it would be done again, too)"
        )
    if process.daemon:
        warnings.warn(
            "this process is a worker of a pool and may begin no worker processes, so everything is computed in it, "
            "as with workers=1; outside a pool more is done at once",
            RuntimeWarning,
            stacklevel=4,
        )
    return not process.daemon


def check_workers(asked: object) -> None:
    """ConfigurationError for what is no number of worker processes."""
    if isinstance(asked, bool) or not isinstance(asked, Integral) or not 1 <= int(asked) <= LARGEST:
        raise ConfigurationError(
            f"a pool has at least 1 worker process, not {asked!r}; give --workers (workers=) a whole number from 1 to "
            f"{LARGEST}"
        )
