"""Small recorded tables for tests."""

import numpy as np

from archlock.tables import Provenance, RecordedColumn, Table

CODES = ("000000", "012340", "421211", "444444")


def small_table(name: str = "small") -> Table:
    """Four architectures of NAS-Bench-201; three columns; one value is not recorded."""
    columns = (
        RecordedColumn("test", "cifar10", "truth", "accuracy", "test", 200, "final", "one run", "%"),
        RecordedColumn("valid", "cifar10", "evidence", "accuracy", "validation", 12, unit="%"),
        RecordedColumn("latency", "", "cost", "latency", unit="ms", higher_is_better=False),
    )
    values = np.array([[10.0, 1 / 3, 94.37, np.nan], [10.0, 20.0, 30.0, 40.0], [0.1, 1e-300, 5.0, 7.0]])
    provenance = Provenance("test", (("räw.csv", "0" * 64),), "a note,\nin two lines")
    return Table(name, "nasbench201", CODES, columns, values, provenance)
