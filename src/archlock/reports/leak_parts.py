"""The part of a lock record that says how well observers read the locked network, beside the ordinary one."""

from dataclasses import dataclass

from archlock.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakSeen:
    """What one observer reads of both."""

    observer: str
    """Of the catalog: `memory`, `timer`, `both`."""
    who: str
    """Who that may be."""
    locked: tuple[float, ...]
    """Skeleton error of each recording of the locked network: edit distance over the length of the true sequence."""
    source_only: tuple[float, ...]
    """The same of the network that the ordinary search would have released."""
    unseen: float
    """Mean skeleton error over random networks that the reader was not taught by."""
    repeatability: float | None
    """The lower of the two: 1 less the median relative spread over recordings; null of a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakRecord:
    """Both networks, watched while they run on the machine of the lock; `archlock peep` has more of each."""

    machine: str
    """On which they ran, in words."""
    networks: int
    """Random networks that readers were taught and checked by."""
    observers: tuple[LeakSeen, ...]
    """Those who see operators."""

    def __post_init__(self) -> None:
        if not self.observers or not all(one.locked and one.source_only for one in self.observers):
            raise RunError("what a lock betrays is known of at least one observer, with recordings of both networks")
