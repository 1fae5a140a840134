"""The directory of a run: what belongs to it, and the promise that the same command takes it up where it was left."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archlock.errors import MAKE_ROOM, RunError, WriteError
from archlock.evidence import EvidenceStore
from archlock.records import plain, read_json, write_json

SETTINGS = "run.json"
PLAN = "plan.json"
CHOICE = "choice.json"
RESULT = "result.json"
REPORT = "report.html"
CARD = "README.md"
REFERENCE = "reference"
EVIDENCE = "evidence.sqlite"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A run directory and its evidence store."""

    path: Path
    store: EvidenceStore
    shared: Path | None = None
    """Folder beside a store that was named, for the trainings that other runs of it may use; None: there is none."""

    @classmethod
    def open(cls, path: Path, settings: dict[str, Any], *, store: Path | None = None) -> "Workspace":
        """Make the directory, or take it up if it holds a run with exactly these settings (else RunError).

        A place that cannot be written raises WriteError, and nothing is left of the attempt but empty folders.
        """
        take_up(path, settings)
        shared = None if store is None else store.with_name(f"{store.stem}-weights")
        return cls(path, EvidenceStore(store or path / EVIDENCE), shared)

    def check_room(self, needed: int) -> None:
        """RunError where the disk has less room than the ``needed`` bytes of what this run will write."""
        place = self.path if self.shared is None else self.store.path.parent
        free = shutil.disk_usage(place).free
        if free < needed:
            raise RunError(
                f"this run writes about {needed / 2**20:,.0f} MiB into {place}, and its disk has "
                f"{free / 2**20:,.0f} MiB left; {MAKE_ROOM}. Or give another --out"
            )

    @property
    def checkpoints(self) -> Path:
        """Folder of unfinished and finished trainings that are of this run alone."""
        return _made(self.path / CHECKPOINTS)

    def trainings(self, fidelity: str) -> Path:
        """Folder of the trainings of that fidelity: beside a store that was named, so that other runs find them.

        Without one, or where the run began before they were kept there, in the run's own directory.
        """
        if self.shared is None:
            return self.checkpoints
        folder = self.shared / fidelity
        began_before = (self.path / CHECKPOINTS).exists() and not folder.exists()
        return self.checkpoints if began_before else _made(folder)

    def once(self, name: str, make: Any) -> Any:
        """The JSON record of that file, made by ``make()`` and written down if it is not there yet."""
        path = self.path / name
        if not path.exists():
            write_json(path, make())
        return read_json(path)


def _made(folder: Path) -> Path:
    """The folder, which is there then; else WriteError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError.of(folder, error) from error
    return folder


def take_up(path: Path, settings: dict[str, Any]) -> None:
    """Make the directory of a run and write its settings, or take it up if it holds a run with exactly these.

    Other settings of a run that has begun, and a place that holds something else, raise RunError; one that cannot be
    written WriteError.
    """
    try:
        _check_settings(path, plain(settings))
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError.of(path, error) from error
    write_json(path / SETTINGS, settings)


def _check_settings(path: Path, now: dict[str, Any]) -> None:
    """RunError where the place holds a run with other settings, or something else."""
    if (path / SETTINGS).exists():
        changed = _changes(read_json(path / SETTINGS), now)
        if changed and _has_begun(path):
            raise RunError(
                f"{path} holds a run with other settings ({'; '.join(changed)}); give another --out, or repeat the "
                "command with the settings it has"
            )
    elif path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file; --out must be a directory (it is made if it does not exist)")
    elif path.exists() and any(path.iterdir()):
        raise RunError(f"{path} is not empty and holds no ArchLock run; give an empty or a new directory as --out")


def _changes(before: dict[str, Any], now: dict[str, Any], *, within: str = "") -> list[str]:
    """What is not the same, by name; of records only the fields that differ."""
    found = []
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _changes(old, new, within=f"{within}{name}.")
        elif old != new:
            found.append(f"{within}{name}: {old!r} -> {new!r}")
    return found


def _has_begun(path: Path) -> bool:
    """Whether there is more of a run than its settings: a budget that was refused leaves no run."""
    if any(entry.name not in (SETTINGS, EVIDENCE) for entry in path.iterdir()):
        return True
    return (path / EVIDENCE).exists() and len(EvidenceStore(path / EVIDENCE)) > 0
