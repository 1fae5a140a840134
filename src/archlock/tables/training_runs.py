"""What NAS-Bench-201 and NATS-Bench (both spaces) record of one architecture, as the numbers of one row.

Their files hold, for each schedule (12 epochs and 200; 90 in the size space), training runs by data set and seed:
dictionaries with the accuracy on every evaluated split after some epochs (``eval_acc1es``, ``x-valid@11``), the cost of
the network and the seconds of every epoch. ``cifar10-valid`` is CIFAR-10 trained on one half of its training images;
``x-valid`` is the other half, or the validation half of a test set; ``x-test`` is the test half; ``ori-test`` the
whole test set.

Not taken: test values of the 12-epoch schedule (neither truth nor honest evidence), losses, training accuracy, and all
epochs but the last.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from archlock.errors import TableError
from archlock.tables.benchmarks import NAS_TASKS
from archlock.tables.table import RecordedColumn, Role

SHORT, FULL, FULL_SIZES = 12, 200, 90
RUNS: Final = "mean over the recorded seeds (1 to 3 runs)"
HALF: Final = ", trained on half of the training images"
LEFT_OUT_NOTE: Final = "Test values of the 12-epoch schedule are left out: they are neither truth nor honest evidence."


@dataclass(frozen=True, slots=True)
class RunColumn:
    """A column and where its value stands in the runs."""

    column: RecordedColumn
    dataset: str
    epochs: int
    part: Literal["accuracy", "params", "flop", "latency", "seconds"]
    split: str = ""


def _accuracy(name: str, dataset: str, split: str, epochs: int, role: Role = "truth") -> RunColumn:
    task = NAS_TASKS[dataset.removesuffix("-valid")]
    column = RecordedColumn(
        f"{task}_{name}_{epochs}",
        task,
        role,
        "accuracy",
        "test" if task == "cifar10" and split == "ori-test" else split,
        epochs,
        "final",
        RUNS + (HALF if dataset == "cifar10-valid" else ""),
        "%",
    )
    return RunColumn(column, dataset, epochs, "accuracy", split)


def _cost(
    name: str, dataset: str, part: Literal["params", "flop", "latency", "seconds"], unit: str, *, full: int
) -> RunColumn:
    epochs = SHORT if part == "seconds" else None
    task = NAS_TASKS[dataset.removesuffix("-valid")]
    words = {"params": "params", "flop": "flops", "latency": "latency", "seconds": "training time"}
    column = RecordedColumn(
        name.format(task), task, "cost", words[part], epochs=epochs, unit=unit, runs=RUNS, higher_is_better=False
    )
    return RunColumn(column, dataset, epochs or full, part)


OTHERS: Final = ("cifar100", "ImageNet16-120")


def run_columns(full: int) -> tuple[RunColumn, ...]:
    """The columns of a space that is trained for so many epochs, in the order of the table.

    Test accuracy after all epochs judges, validation accuracy after all epochs is sold.
    """
    return (
        _accuracy("test", "cifar10", "ori-test", full, "judge"),
        *(_accuracy("test", dataset, "x-test", full, "judge") for dataset in OTHERS),
        _accuracy("valid", "cifar10-valid", "x-valid", full),
        *(_accuracy("valid", dataset, "x-valid", full) for dataset in OTHERS),
        _accuracy("validsplit_test", "cifar10-valid", "ori-test", full, "repeat"),
        *(_accuracy("ori_test", dataset, "ori-test", full, "repeat") for dataset in OTHERS),
        _accuracy("valid", "cifar10-valid", "x-valid", SHORT, "evidence"),
        *(_accuracy("valid", dataset, "x-valid", SHORT, "evidence") for dataset in OTHERS),
        *(_cost("params_M_{}", dataset, "params", "M", full=full) for dataset in NAS_TASKS),
        *(_cost("flops_M_{}", dataset, "flop", "M", full=full) for dataset in NAS_TASKS),
        *(_cost("latency_ms_{}", dataset, "latency", "ms", full=full) for dataset in NAS_TASKS),
        *(_cost("{}_train_cost_s_12", dataset, "seconds", "s", full=full) for dataset in ("cifar10-valid", *OTHERS)),
    )


COLUMNS: Final = run_columns(FULL)
SIZE_COLUMNS: Final = run_columns(FULL_SIZES)


def row_of(schedules: Mapping[int, Any], where: str, columns: Sequence[RunColumn] = COLUMNS) -> list[float]:
    """The value of every column, NaN where no run recorded it.

    ``schedules`` holds what the files have for each number of epochs; another structure raises TableError that names
    ``where`` it was found.
    """
    try:
        runs = {epochs: _by_dataset(recorded["all_results"]) for epochs, recorded in schedules.items()}
        return [_mean(_value(run, one) for run in runs[one.epochs].get(one.dataset, ())) for one in columns]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise TableError(
            f"{where} does not have the structure of a NAS-Bench-201 record ({type(error).__name__}: {error})"
        ) from error


def _by_dataset(results: Mapping[tuple[str, int], Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for (dataset, _), run in results.items():
        found.setdefault(dataset, []).append(run)
    return found


def _value(run: Mapping[str, Any], one: RunColumn) -> float:
    if one.part == "accuracy":
        return float(run["eval_acc1es"].get(f"{one.split}@{int(run['epochs']) - 1}", math.nan))
    if one.part == "latency":  # in seconds; negative or absent if it was not measured
        return 1000 * _mean(float(seconds) for seconds in run.get("latency") or () if float(seconds) > 0)
    if one.part == "seconds":
        times = run.get("train_times")
        return float(sum(times.values())) if times else math.nan
    return float(run[one.part])


def _mean(values: Iterable[float]) -> float:
    """Mean of the numbers that are there; NaN if there are none."""
    there = [value for value in values if not math.isnan(value)]
    return math.fsum(there) / len(there) if there else math.nan
