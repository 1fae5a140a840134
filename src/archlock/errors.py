"""The one tree of errors that ArchLock raises on purpose.

Every message says what was expected, what was found and what to do. The command line prints the message without a
traceback and exits with :attr:`ArchLockError.exit_code`. What the operating system refuses is said in words here as
well (:func:`refusal`), since everybody who writes meets it.
"""

import difflib
import errno
import pathlib
from typing import Final


class ArchLockError(Exception):
    """Root of all errors that ArchLock raises on purpose."""

    exit_code = 1


class ConfigurationError(ArchLockError):
    """A setting or a combination of settings makes no sense."""

    exit_code = 2


class UnknownNameError(ConfigurationError):
    """A name is not in the catalog that was asked."""

    def __init__(self, kind: str, name: str, known: tuple[str, ...]) -> None:
        self.kind, self.name, self.known = kind, name, known
        near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.7)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        super().__init__(f"unknown {kind} {name!r}; known: {', '.join(known)}{meant}")

    def __reduce__(self) -> tuple[type["UnknownNameError"], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.kind, self.name, self.known)  # so that it travels between processes


class TaskError(ArchLockError):
    """Data cannot become a task."""

    exit_code = 3


class ArchitectureError(ArchLockError):
    """A text or a code does not describe an architecture of the space."""


class UnsupportedError(ArchLockError):
    """A proxy, embedding or attack has no meaning for this kind of task or model (it did not fail)."""


class MeasurementError(ArchLockError):
    """A measurement failed: it has no finite value."""


class SearchError(ArchLockError):
    """The search has nothing to return, for example because no architecture keeps the source floor."""


class SealedError(ArchLockError):
    """Something tried to look at a target before the lock was decided."""


class TableError(ArchLockError):
    """A recorded table cannot be read, or does not hold what was asked of it."""

    exit_code = 3


class StoreError(ArchLockError):
    """The evidence store cannot be read or written."""


class RunError(ArchLockError):
    """A run directory is missing something, damaged, or belongs to other settings."""


class WriteError(ArchLockError):
    """A file or folder cannot be written: no room, no permission, or a place that can be no folder."""

    @classmethod
    def of(cls, path: pathlib.Path, error: OSError) -> "WriteError":
        """What the operating system said when that path was to be written, in words."""
        return cls(f"{path} cannot be written: {refusal(error, path)}")


NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The disk is full, the share of this user is, or a file would be larger than is allowed."""
MAKE_ROOM: Final = "make room on that disk and run the same command again; what is finished is kept"


_REFUSALS: Final = (
    (NO_ROOM, f"there is no room ({{reason}}); {MAKE_ROOM}"),
    (
        {errno.EROFS, errno.EACCES, errno.EPERM},
        "it is read-only, or not yours ({reason}); name another place (--out), or ask for permission there",
    ),
    ({errno.ENOTDIR, errno.EEXIST}, "{file} is a file and no directory ({reason}); name another place (--out)"),
    ({errno.EISDIR}, "it is a directory and no file ({reason}); name a file"),
    ({errno.ENAMETOOLONG}, "the name is too long ({reason}); give a shorter one"),
    (
        {errno.EMFILE, errno.ENFILE},
        "too many files are open ({reason}); run with fewer --workers, or raise the limit (ulimit -n)",
    ),
    (
        {errno.EAGAIN, errno.ENOMEM},
        "the machine has nothing left to give ({reason}); run with --workers 1, or end other programs",
    ),
    (
        {errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV},
        "the disk does not answer ({reason}); look after it, then run the same command again",
    ),
)


def refusal(error: OSError, path: pathlib.Path | None = None) -> str:
    """What the operating system refused, and what to do about it; ``path`` is what was to be read or written."""
    reason = error.strerror or str(error) or type(error).__name__
    file = next((one for one in (path, *path.parents) if _is_file(one)), None) if path else None
    words = next((words for codes, words in _REFUSALS if error.errno in codes), "")
    words = words or "{reason}; look at that place, or name another (--out)"
    return words.format(reason=reason, file=file or "a part of the path")


def _is_file(path: pathlib.Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except OSError:
        return False
