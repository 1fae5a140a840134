"""A recipe makes a task, of nothing or of other data; ``NAME:ARGUMENT`` names it wherever data are named.

One file a recipe. Same argument, options and seed: the same task, bit for bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from archlock.errors import ConfigurationError
from archlock.tasks.task import Task

Counted = Callable[[int, int], None]
"""Told after every step how many are done, and of how many."""


class Recipe(ABC):
    """How a task is made. Members are stateless; one instance serves everybody."""

    name: ClassVar[str]
    description: ClassVar[str]
    argument: ClassVar[str]
    """What stands behind the colon, in a word: ``SIDE``."""
    usual: ClassVar[str] = ""
    """What it is where nobody says it; empty: it has to be said."""
    example: ClassVar[str]
    """A whole text."""
    options: ClassVar[Mapping[str, str]]
    """Its own options, and what they say; of a recipe that is based on data, those of the data come beside them."""
    based: ClassVar[bool]
    """Whether the argument names other data, as ``--source`` does."""

    @abstractmethod
    def check(self, argument: str, options: Mapping[str, str]) -> None:
        """ConfigurationError for an argument or options from which nothing can be made; data are not looked at."""

    @abstractmethod
    def make(
        self,
        argument: str,
        options: Mapping[str, str],
        *,
        opened: Callable[[Mapping[str, str]], Task],
        seed: int,
        progress: Counted | None = None,
    ) -> Task:
        """The task; ``opened`` gives the one that it is based on, read with further options, where there is one.

        Errors as for :meth:`check`, and TaskError for data from which it cannot be made.
        """


def whole_number(text: str, what: str, *, least: int, most: int) -> int:
    """The number that a text writes; ConfigurationError for another text, or one out of bounds."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    if number is None or not least <= number <= most:
        raise ConfigurationError(f"{what} {text!r} is not possible; expected a whole number from {least} to {most:,}")
    return number


def split_sizes(options: Mapping[str, str], usual: Mapping[str, int], *, least: int, most: int) -> dict[str, int]:
    """How many examples each split has, as the options say or as usual; ConfigurationError as of one number."""
    return {
        split: whole_number(options.get(split, str(count)), f"{split}=", least=least, most=most)
        for split, count in usual.items()
    }
