"""Where decoded images are kept, and from which size on they are kept there instead of in memory.

The folder is the one that is named (``--cache``), else that of the environment variable ``ARCHLOCK_CACHE``, else
``archlock/images`` in the user's cache directory (``XDG_CACHE_HOME``, by default ``~/.cache``). All that is in it can
be made again: it may be deleted while no run uses it.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from archlock.errors import WriteError

VARIABLE: Final = "ARCHLOCK_CACHE"
MEMORY: Final = 256 * 2**20
"""Bytes of decoded images up to which a data set is held in memory. The same everywhere, so that the same data are the
same task on every machine."""


def cache_folder() -> Path:
    """The folder that is used where none is named; it need not exist."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    cached = os.environ.get("XDG_CACHE_HOME")
    return (Path(cached) if cached else Path.home() / ".cache") / "archlock" / "images"


@dataclass(frozen=True, slots=True)
class Cache:
    """A place for decoded images; nothing is made there before it is needed."""

    folder: Path = field(default_factory=cache_folder)
    memory: int = MEMORY
    """Bytes of decoded images up to which a data set is held in memory and nothing is kept here."""
    workers: int | None = None
    """Processes that decode; None: one for each processor."""

    @classmethod
    def at(cls, place: "Cache | Path | str | None") -> "Cache":
        """A cache as it is, a folder as one there, nothing as the usual one."""
        if isinstance(place, Cache):
            return place
        return cls() if place is None else cls(Path(place).expanduser())

    def free_bytes(self) -> int:
        """Room on the disk of the folder; WriteError where nothing can be written there."""
        import shutil

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            return shutil.disk_usage(self.folder).free
        except OSError as error:
            raise WriteError(
                f"{self.folder} is to hold decoded images and cannot be written ({error.strerror or error}); name "
                f"another folder with --cache (cache=) or {VARIABLE}"
            ) from error
