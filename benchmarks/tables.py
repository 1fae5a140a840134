"""Import, open and look up tables of recorded benchmarks.

    python benchmarks/tables.py [CSV [JOINED_CSV ...]]

Without files: a table of random values of all 15,625 architectures of NAS-Bench-201 and 20 columns, written, opened and
looked up. With the files of the layout ``nasbench201``: the same after importing them.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from archlock.spaces import SPACES
from archlock.tables import Provenance, RecordedColumn, Table, read_preset, read_table, write_table

REPEATS, COLUMNS = 5, 20


def main(files: list[str]) -> None:
    if files:
        seconds, table = timed(lambda: read_preset("nasbench201", files[0], joins=files[1:]), repeats=1)
        print(f"import of {len(files)} CSV files: {seconds:.2f} s")
    else:
        table = random_table()
    rows, columns = len(table.codes), len(table.columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.npz"
        seconds, _ = timed(lambda: write_table(path, table))
        print(f"write {rows} x {columns}: {1000 * seconds:.0f} ms, {path.stat().st_size / 2**20:.2f} MiB")
        seconds, _ = timed(lambda: read_table(path))
        print(f"open {rows} x {columns}: {1000 * seconds:.0f} ms")
        opened = [read_table(path) for _ in range(REPEATS)]  # each makes its index at the first look-up
    codes = list(np.random.default_rng(0).permutation(table.codes))
    seconds, _ = timed(lambda: opened.pop().look_up(table.columns[0], codes))
    print(f"{rows} look-ups in one call, index included: {1000 * seconds:.1f} ms")
    seconds, _ = timed(lambda: [table.positions[code] for code in codes])
    print(f"{rows} positions one by one: {1000 * seconds:.1f} ms")


def random_table() -> Table:
    codes = tuple(architecture.code for architecture in SPACES["nasbench201"].enumerate())
    columns = tuple(RecordedColumn(f"column_{index}", "cifar10", "truth") for index in range(COLUMNS))
    values = np.random.default_rng(0).normal(size=(COLUMNS, len(codes))).round(4)
    return Table("random", "nasbench201", codes, columns, values, Provenance("benchmark", ()))


def timed(work: Callable[[], object], repeats: int = REPEATS) -> tuple[float, Table]:
    """Median seconds and the last result."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds)), result  # type: ignore[return-value]


if __name__ == "__main__":
    main(sys.argv[1:])
