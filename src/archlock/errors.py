"""The one tree of errors that ArchLock raises on purpose.

Every message says what was expected, what was found and what to do. The command line prints the message without a
traceback and exits with :attr:`ArchLockError.exit_code`.
"""


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
        super().__init__(f"unknown {kind} {name!r}; known: {', '.join(known)}")

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
