"""On request: are locked cells easier to recognise than ordinary ones? Both networks watched, by the same readers."""

from collections.abc import Mapping
from typing import Final

from archlock.errors import UnsupportedError
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.release import Released
from archlock.recipes.lock.run import Run
from archlock.recipes.peep.config import PeepConfig
from archlock.recipes.peep.procedure import peep
from archlock.reports import LeakRecord, LeakSeen, ObserverRecord, Role
from archlock.tasks import Task

PEEP: Final = "peep"
"""Folder in the run directory."""
COMPARED: Final[tuple[Role, ...]] = ("locked", "source_only")
WATCHED: Final = PeepConfig(observers=("memory", "timer", "both"))


def refuse_peep(config: LockConfig, source: Task) -> None:
    """UnsupportedError where it is asked for and readers know no networks of that kind."""
    if config.peep and source.form == "signal":
        raise UnsupportedError(
            f"readers are taught by networks of images, and {source.name!r} has signals; leave out --peep"
        )


def leak_of(run: Run, every: Mapping[Role, Released], *, command: str) -> LeakRecord | None:
    """What observers read of the locked and of the source-only network; None where nobody asked."""
    if not run.config.peep:
        return None
    folder = run.workspace.path / PEEP
    found = {
        role: peep(
            every[role].models[0],
            WATCHED,
            out=folder / role,
            workers=run.resources.workers,
            progress=run.resources.progress,
            command=command,
        ).record
        for role in COMPARED
    }
    first = found[COMPARED[0]]
    pairs = zip(*(found[role].observers for role in COMPARED), strict=True)
    return LeakRecord(
        machine=first.machine, networks=first.networks, observers=tuple(_seen(one, other) for one, other in pairs)
    )


def _seen(locked: ObserverRecord, ordinary: ObserverRecord) -> LeakSeen:
    repeats = [one.repeatability for one in (locked, ordinary) if one.repeatability is not None]
    assert locked.check is not None
    return LeakSeen(
        observer=locked.name,
        who=locked.who,
        locked=tuple(one.skeleton_error for one in locked.seen),
        source_only=tuple(one.skeleton_error for one in ordinary.seen),
        unseen=locked.check.skeleton_error,
        repeatability=min(repeats, default=None),
    )
