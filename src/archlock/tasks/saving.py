"""Tasks on disk, exactly: for worker processes and for runs that are taken up again.

Images that are on disk already stay where they are: the file names their blocks, and their rows.
"""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from archlock.errors import TaskError, UnsupportedError
from archlock.records import write_atomic
from archlock.tasks.archives import read_npz
from archlock.tasks.rows import is_stored
from archlock.tasks.scores import Scoring
from archlock.tasks.stored.blocks import Block
from archlock.tasks.stored.view import StoredImages
from archlock.tasks.task import Split, Task

HEADER = "archlock_task"
SPLITS = ("train", "validation", "test")
ARRAYS = tuple(f"{split}_{part}" for split in SPLITS for part in ("images", "targets"))
GROUPS = {split: f"{split}_groups" for split in SPLITS}
"""Arrays of tasks whose examples are in groups."""


def save_task(task: Task, path: str | Path) -> Path:
    """Write a task as one ``.npz`` file, whole or not at all. UnsupportedError for images that are on no disk."""
    header = {
        "version": 1,
        "name": task.name,
        "kind": task.kind,
        "classes": task.classes,
        "origin": task.origin,
        "skipped": task.skipped,
        "stored_side": task.stored_side,
        "remarks": task.remarks,
        "form": task.form,
        "scoring": None if task.scoring is None else [task.scoring.name, task.scoring.by_group],
        "fingerprint": task.fingerprint,
    }
    values = {f"{name}_{part}": getattr(getattr(task, name), part) for name in SPLITS for part in ("images", "targets")}
    arrays = {key: array.rows if is_stored(array) else array for key, array in values.items()}
    header["stored"] = {key: _where(array) for key, array in values.items() if is_stored(array)}
    arrays |= {key: groups for name, key in GROUPS.items() if (groups := getattr(task, name).groups) is not None}
    arrays[HEADER] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return write_atomic(Path(path), stream.getvalue())


def is_saved_task(path: Path) -> bool:
    """Whether a ``.npz`` file was written by :func:`save_task`."""
    return HEADER in read_npz(path, [HEADER])


def load_task(path: str | Path) -> Task:
    """The task that :func:`save_task` wrote, bit for bit; anything else raises TaskError."""
    path = Path(path)
    arrays = read_npz(path, [HEADER, *ARRAYS, *GROUPS.values()])
    missing = [key for key in (HEADER, *ARRAYS) if key not in arrays]
    if missing:
        raise TaskError(f"{path} is no saved task ({missing[0]!r} is missing); expected a file made by save_task")
    try:
        header = json.loads(arrays[HEADER].tobytes())
        scoring = None if header.get("scoring") is None else Scoring(*header["scoring"])
        for key, where in header.get("stored", {}).items():
            arrays[key] = _view(where, arrays[key])
        task = Task(
            name=header["name"],
            kind=header["kind"],
            classes=tuple(header["classes"]),
            **{
                name: Split(arrays[f"{name}_images"], arrays[f"{name}_targets"], arrays.get(GROUPS[name]), scoring)
                for name in SPLITS
            },
            origin=header["origin"],
            skipped=tuple(header["skipped"]),
            stored_side=header.get("stored_side"),
            remarks=tuple(header.get("remarks", ())),
            form=header.get("form", "image"),
        )
        expected = header["fingerprint"]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise TaskError(f"{path} is no saved task ({type(error).__name__}: {error}); save it again") from error
    if task.fingerprint != expected:
        raise TaskError(
            f"{path} was changed after it was saved (fingerprint {task.fingerprint}, expected {expected}); save it "
            "again"
        )
    return task


def _where(images: StoredImages) -> dict[str, Any]:
    """All of a view but its rows."""
    if images.decodes:
        raise UnsupportedError(
            "the images of this task are decoded whenever they are looked at, and such a task is not saved; make room "
            "for them in the cache, or take fewer"
        )
    blocks = [[block.folder, block.key, block.count, block.channels] for block in images.blocks]
    return {"blocks": blocks, "size": images.size, "channels": images.channels}


def _view(where: dict[str, Any], rows: np.ndarray) -> Any:
    blocks = tuple(Block(*block) for block in where["blocks"])
    return StoredImages(blocks, (where["size"][0], where["size"][1]), where["channels"], rows)
