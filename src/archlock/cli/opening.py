"""A model that is named on the command line, opened."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlock.cli.options import keyword_arguments
from archlock.cli.progress import counted

if TYPE_CHECKING:
    from archlock.progress import Progress
    from archlock.recipes import OpenedModel
    from archlock.tasks import Task


def opened_model(text: str, module: str | None, arguments: str | None, opening: dict[str, Any]) -> "OpenedModel":
    """The model of a text, with what ``--module`` and ``--module-args`` say; ``opening`` has its size and channels.

    A file of the user's own is found in the current directory, which is looked at last, so that it hides nothing.
    """
    from archlock.recipes import open_model

    find_own_modules(module)
    return open_model(text, factory=module, arguments=keyword_arguments(arguments), **opening)


def reader_of(
    opened: "OpenedModel", *, skip_bad: bool, cache: Path | None, seed: int, progress: "Progress | None" = None
) -> "Callable[[Sequence[str]], list[Task]]":
    """What reads the data that texts name, as the model takes them."""
    how: dict[str, Any] = {"skip_bad": skip_bad, "cache": cache, "seed": seed}
    if progress is not None:
        how["progress"] = counted(progress, "images decoded")
    return partial(opened.read_all, **how)


def find_own_modules(module: str | None) -> None:
    """Let what ``--module`` names be found in the current directory."""
    if module is not None and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
