"""A model that is named on the command line, opened."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlock.cli.options import keyword_arguments

if TYPE_CHECKING:
    from archlock.recipes import OpenedModel


def opened_model(text: str, module: str | None, arguments: str | None, opening: dict[str, Any]) -> "OpenedModel":
    """The model of a text, with what ``--module`` and ``--module-args`` say; ``opening`` has its size and channels.

    A file of the user's own is found in the current directory, which is looked at last, so that it hides nothing.
    """
    from archlock.recipes import open_model

    find_own_modules(module)
    return open_model(text, factory=module, arguments=keyword_arguments(arguments), **opening)


def find_own_modules(module: str | None) -> None:
    """Let what ``--module`` names be found in the current directory."""
    if module is not None and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
