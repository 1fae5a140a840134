"""TransNAS-Bench-101 (Duan et al., CVPR 2021): the official file ``transnas-bench_v10141024.pth``, as its API reads it.

A dictionary with ``data``: space (``micro``, ``macro``) to official string to task to ``metrics`` (for every metric the
list of its values by epoch) and ``model_info``. **Tested on synthetic files of that documented structure only**: the
official file was not at hand. One run for every architecture and task.

The truth of a task is its test value after the last epoch. Beside it stand validation after the last epoch, the best
validation of any epoch, and test at the epoch of the best validation (the first of equals). The best *test* of any
epoch, which the official tool gives by default, is not taken: nobody could have chosen that epoch.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from archlock.errors import ArchitectureError, TableError
from archlock.progress import Progress, Silent
from archlock.spaces import SPACES
from archlock.tables.benchmarks import TRANSNAS_TASKS, Measured
from archlock.tables.sheets import sha256_of
from archlock.tables.table import Provenance, RecordedColumn, Role, Table
from archlock.tables.unpickling import load_torch

CITATION = "TransNAS-Bench-101 (Duan et al. 2021), MIT licence: cite it."
CHECKPOINTS = (
    ("test_final", "test", "final"),
    ("validation_final", "validation", "final"),
    ("test_at_best_validation", "test", "best (by validation)"),
    ("validation_best", "validation", "best"),
)
ROLES: Final[dict[tuple[str, str], Role]] = {("test", "final"): "judge", ("validation", "final"): "truth"}
COSTS = (("inference_time", "inference time", "s"), ("model_params", "params", ""), ("model_FLOPs", "flops", ""))
"""Name in the file, our name, unit; sizes are as recorded."""


def read_transnas(path: str | Path, *, progress: Progress | None = None) -> tuple[Table, ...]:
    """The tables of a TransNAS-Bench-101 file, one for each of its spaces, named as ours.

    A task that an architecture has no results of gives NaN. A file of another structure raises TableError.
    """
    path = Path(path)
    progress = progress or Silent()
    content = load_torch(path)
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, dict) or not data or not set(data) <= {"micro", "macro"}:
        raise TableError(
            f"{path.name} has no 'data' of the spaces micro and macro; expected transnas-bench_v10141024.pth"
        )
    provenance = Provenance("transnas", ((path.name, sha256_of(path)),), CITATION)
    return tuple(_table(f"transnas101_{name}", data[name], provenance, progress) for name in data)


def _table(space: str, results: Any, provenance: Provenance, progress: Progress) -> Table:
    if not isinstance(results, dict):
        raise TableError(f"the results of {space} are a {type(results).__name__}; expected them by official string")
    progress.begin(space, len(results))
    rows: dict[str, list[float]] = {}
    for official, tasks in results.items():
        try:
            code = SPACES[space].parse(official).code
            rows[code] = [value for task, measured in TRANSNAS_TASKS.items() for value in _row(tasks, task, measured)]
        except ArchitectureError as error:
            raise TableError(f"results of {space}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise TableError(
                f"{official} does not have the structure of a TransNAS-Bench-101 record "
                f"({type(error).__name__}: {error})"
            ) from error
        progress.advance()
    if len(rows) < len(results):
        raise TableError(f"the results of {space} name an architecture twice")
    codes = tuple(sorted(rows))
    values = np.array([rows[code] for code in codes]).T.copy()
    columns = tuple(column for task, measured in TRANSNAS_TASKS.items() for column in _columns(task, measured))
    return Table(space, space, codes, columns, values, provenance)


def _columns(task: str, measured: Measured) -> list[RecordedColumn]:
    accuracies = [
        RecordedColumn(
            f"{task}_{name}",
            task,
            ROLES.get((split, checkpoint), "repeat"),
            measured.metric,
            split,
            measured.epochs,
            checkpoint,
            "one run",
            measured.unit,
            noise=measured.noise if (split, checkpoint) == ("validation", "final") else 0.0,
        )
        for name, split, checkpoint in CHECKPOINTS
    ]
    costs = [
        RecordedColumn(f"{task}_{recorded}", task, "cost", name, unit=unit, higher_is_better=False)
        for recorded, name, unit in COSTS
    ]
    return accuracies + costs


def _row(tasks: Any, task: str, measured: Measured) -> list[float]:
    """The values of one architecture on one task, in the order of the columns."""
    if task not in tasks:
        return [np.nan] * (len(CHECKPOINTS) + len(COSTS))
    metrics, info = tasks[task]["metrics"], tasks[task]["model_info"]
    validation = _curve(metrics, ("valid", "val"), measured.recorded)
    test = _curve(metrics, ("test",), measured.recorded)
    if len(test) != len(validation):
        raise ValueError(f"{task} has {len(validation)} epochs of validation and {len(test)} of test")
    best = int(np.argmax(validation))
    return [
        test[-1],
        validation[-1],
        test[best],
        validation[best],
        *(float(info.get(name, np.nan)) for name, *_ in COSTS),
    ]


def _curve(metrics: Any, prefixes: tuple[str, ...], metric: str) -> list[float]:
    """Values by epoch. (The published training settings call a split valid or val, depending on the task.)"""
    for prefix in prefixes:
        if f"{prefix}_{metric}" in metrics:
            curve = [float(value) for value in metrics[f"{prefix}_{metric}"]]
            if not curve:
                raise ValueError(f"{prefix}_{metric} has no epochs")
            return curve
    raise KeyError(f"{prefixes[0]}_{metric}")
