"""Targets that nobody may look at before the lock is decided.

A :class:`SealedTask` shows its name and nothing else. It opens for a :class:`Choice`, the record of a decided lock, and
writes down for which one. Python cannot make this absolute: a program that wants to cheat reads the data file again.
What is made sure is that no search, preference or report can look by accident, in passing, or through a public name.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn
from weakref import WeakKeyDictionary

from archlock.errors import SealedError
from archlock.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Choice:
    """Which architecture was decided on, for which source; born valid (else SealedError)."""

    architecture: str
    """``space:code``."""
    source: str
    """Fingerprint of the source task."""
    seed: int
    """Root seed of the run that decided."""
    decided_at: str
    """ISO 8601 with a time zone, for example ``2025-01-31T12:00:00+00:00``."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+:\S+", self.architecture):
            raise SealedError(f"a choice names an architecture as space:code; got {self.architecture!r}")
        if not re.fullmatch(r"[0-9a-f]{16}", self.source):
            raise SealedError(f"a choice names the source by its fingerprint (16 hex digits); got {self.source!r}")
        try:
            moment = datetime.fromisoformat(self.decided_at)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise SealedError(f"a choice says when it was made (ISO 8601 with a time zone); got {self.decided_at!r}")

    @classmethod
    def now(cls, architecture: str, source: Task, *, seed: int) -> "Choice":
        """The choice of an architecture, made at this moment."""
        return cls(architecture, source.fingerprint, seed, datetime.now(UTC).isoformat(timespec="seconds"))


class _SealedAttributeError(SealedError, AttributeError):
    """For names with two underscores, by which Python asks what an object can do: to ``hasattr`` it is a no."""


class SealedTask:
    """A target task behind a seal; made by :func:`seal`, opened by :meth:`open` with a decided choice, and only so."""

    __slots__ = ("__weakref__", "_name")

    _name: str

    def __init__(self) -> None:
        raise SealedError("a sealed task is made by archlock.tasks.seal(task, name=...)")

    @property
    def name(self) -> str:
        """Name of the target, the only thing known of it."""
        return self._name

    @property
    def opened_by(self) -> tuple[Choice, ...]:
        """The choices for which the seal was opened, in order; empty while nobody has looked."""
        return _openings(self)

    def open(self, choice: Choice) -> Task:
        """The task. The opening is recorded; anything but a :class:`Choice` raises SealedError."""
        return _take(self, choice)

    def __repr__(self) -> str:
        return f"SealedTask({self.name!r})"

    def __getattr__(self, attribute: str) -> NoReturn:
        refusal = _SealedAttributeError if attribute.startswith("__") else SealedError
        raise refusal(f"this target is sealed until the lock is decided; {attribute!r} cannot be seen")

    def __setattr__(self, attribute: str, value: object) -> None:
        raise SealedError(f"target {self.name!r} is sealed; {attribute!r} cannot be changed")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise SealedError(f"target {self.name!r} is sealed; it can be neither copied nor sent to another process")


@dataclass(frozen=True, slots=True, eq=False)
class _Content:
    load: Callable[[], Task]
    openings: list[Choice]


def _make_vault() -> tuple[
    Callable[[SealedTask, Callable[[], Task]], None],
    Callable[[SealedTask, Choice], Task],
    Callable[[SealedTask], tuple[Choice, ...]],
]:
    """The three doors of the place where contents lie: no attribute or module variable leads there."""
    contents: WeakKeyDictionary[SealedTask, _Content] = WeakKeyDictionary()

    def put(sealed: SealedTask, load: Callable[[], Task]) -> None:
        if sealed in contents:
            raise SealedError(f"target {sealed.name!r} is sealed already")
        contents[sealed] = _Content(load, [])

    def take(sealed: SealedTask, choice: Choice) -> Task:
        if type(choice) is not Choice:
            raise SealedError(
                f"target {sealed.name!r} is sealed until the lock is decided; it opens for a Choice, not for a "
                f"{type(choice).__name__}"
            )
        content = contents[sealed]
        content.openings.append(choice)
        return content.load()

    def openings(sealed: SealedTask) -> tuple[Choice, ...]:
        return tuple(contents[sealed].openings)

    return put, take, openings


_put, _take, _openings = _make_vault()


def seal(task: Task | Callable[[], Task], *, name: str) -> SealedTask:
    """The task, or what a function will load, behind a seal; the caller's name for it should give nothing away."""
    sealed = object.__new__(SealedTask)
    object.__setattr__(sealed, "_name", name)
    _put(sealed, (lambda: task) if isinstance(task, Task) else task)
    return sealed
