"""How long work tells what it does: stages with a known number of steps. Showing it (bars, JSON) is for the door."""

from abc import ABC, abstractmethod
from collections.abc import Callable


class Progress(ABC):
    """Receives what happens, in order: one stage at a time."""

    @abstractmethod
    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """A stage of ``total`` steps begins; ``done`` of them were found done by an earlier run."""

    @abstractmethod
    def advance(self, steps: int = 1, note: str = "") -> None:
        """Steps of the current stage are done; ``note`` is a short remark on the last one."""

    @abstractmethod
    def say(self, line: str) -> None:
        """A line worth reading now: a decision, a warning."""


class Silent(Progress):
    """Says nothing."""

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        """Nothing."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Nothing."""

    def say(self, line: str) -> None:
        """Nothing."""


def counted(progress: Progress, stage: str, total: int) -> Callable[..., None]:
    """Begin a stage; the function takes how many steps are done in all, and a note.

    A run that is taken up says of its first step that it is, for example, the sixth: those before it were found done.
    """
    progress.begin(stage, total)
    seen = 0

    def reached(done: int, note: str = "") -> None:
        nonlocal seen
        if done > seen + 1:
            progress.begin(stage, total, done - 1)
        progress.advance(1, note)
        seen = done

    return reached
