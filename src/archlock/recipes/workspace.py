"""The directory of a run: what belongs to it, and the promise that the same command takes it up where it was left."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archlock.errors import RunError
from archlock.evidence import EvidenceStore
from archlock.records import plain, read_json, write_json

SETTINGS = "run.json"
PLAN = "plan.json"
CHOICE = "choice.json"
RESULT = "result.json"
REPORT = "report.html"
CARD = "README.md"
REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A run directory and its evidence store."""

    path: Path
    store: EvidenceStore

    @classmethod
    def open(cls, path: Path, settings: dict[str, Any], *, store: Path | None = None) -> "Workspace":
        """Make the directory, or take it up if it holds a run with exactly these settings (else RunError)."""
        written = path / SETTINGS
        if written.exists():
            before, now = read_json(written), plain(settings)
            changed = [
                f"{k}: {before.get(k)!r} -> {now.get(k)!r}" for k in {**before, **now} if before.get(k) != now.get(k)
            ]
            if changed:
                raise RunError(
                    f"{path} holds a run with other settings ({'; '.join(changed)}); give another --out, or repeat the "
                    "command with the settings it has"
                )
        elif path.exists() and not path.is_dir():
            raise RunError(f"{path} is a file; --out must be a directory (it is made if it does not exist)")
        elif path.exists() and any(path.iterdir()):
            raise RunError(f"{path} is not empty and holds no ArchLock run; give an empty or a new directory as --out")
        path.mkdir(parents=True, exist_ok=True)
        write_json(written, settings)
        return cls(path, EvidenceStore(store or path / "evidence.sqlite"))

    @property
    def checkpoints(self) -> Path:
        """Folder of unfinished and finished trainings."""
        folder = self.path / "checkpoints"
        folder.mkdir(exist_ok=True)
        return folder

    def once(self, name: str, make: Any) -> Any:
        """The JSON record of that file, made by ``make()`` and written down if it is not there yet."""
        path = self.path / name
        if not path.exists():
            write_json(path, make())
        return read_json(path)
