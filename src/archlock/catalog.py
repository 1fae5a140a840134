"""A table of contents for one kind of plug-in: explicit, ordered, no magic.

A room's ``__init__`` builds its catalog with one line per member; command-line choices, contract tests and
documentation lists are read off it.
"""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from archlock.errors import ConfigurationError, UnknownNameError

T = TypeVar("T")


class Catalog(Mapping[str, T], Generic[T]):
    """Names to members of one kind (``kind`` is the singular noun used in error messages)."""

    def __init__(self, kind: str, members: Mapping[str, T] | None = None) -> None:
        self.kind = kind
        self._members: dict[str, T] = {}
        for name, member in (members or {}).items():
            self.add(name, member)

    def add(self, name: str, member: T) -> None:
        """Add a member under a new name; a name already taken raises :class:`ConfigurationError`."""
        if name in self._members:
            raise ConfigurationError(f"{self.kind} {name!r} is already in the catalog; choose another name")
        self._members[name] = member

    def __getitem__(self, name: str) -> T:
        """Member of that name; an unknown one raises :class:`UnknownNameError` that lists the known ones."""
        try:
            return self._members[name]
        except KeyError:
            raise UnknownNameError(self.kind, name, tuple(self._members)) from None

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)
