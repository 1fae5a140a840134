"""Recorded costs as limits: who is left, what is said, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.tables import RecordedColumn, Table, read_delimited, within_costs
from archlock.tables.benchmarks import device_columns
from made_up_tables import made_up_table


def costly() -> Table:
    """Thirty architectures of 1 to 30 ms; the device refused the first three."""
    table = made_up_table(codes=30)
    column = RecordedColumn("pi5_latency", "", "cost", "latency", unit="ms", higher_is_better=False)
    milliseconds = np.arange(1.0, 31.0)
    milliseconds[:3] = np.nan
    return replace(table, columns=(*table.columns, column), values=np.vstack([table.values, milliseconds]))


def test_what_is_above_or_not_known_is_left_out() -> None:
    table = costly()
    found, notes = within_costs(table, [("pi5_latency", 20.0)])
    assert found.codes == table.codes[3:20]
    np.testing.assert_array_equal(found.recorded(found.column("t0_200")), table.recorded(table.column("t0_200"))[3:20])
    assert notes == (
        "17 of 30 architectures keep pi5_latency of at most 20 ms; 3 have no recorded value and are left out. "
        "Percentiles, source floors and random architectures are among those that keep all limits.",
    )
    assert within_costs(table, []) == (table, ())


def test_a_limit_that_all_keep_is_noted() -> None:
    table = costly()
    everybody = replace(table, codes=table.codes[3:], values=table.values[:, 3:])
    found, notes = within_costs(everybody, [("pi5_latency", 30.0)])
    assert found is everybody
    assert notes == ("every architecture keeps pi5_latency of at most 30 ms: this limit restricts nothing.",)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            [("pi5_latency", 0.5)],
            r"no architecture of table 'made_up' has pi5_latency of at most 0.5 ms: the smal",
        ),
        (
            [("pi5_latency", 9.0)],
            "6 architectures of table 'made_up' keep all the limits on costs together; .* at",
        ),
        ([("t0_200", 50.0)], "column 't0_200' has the role truth, and limits are on costs: pi5_latency"),
        ([("pi4_latency", 50.0)], "has no column 'pi4_latency'"),
    ],
)
def test_limits_that_cannot_be_kept_or_meant(limits: list[tuple[str, float]], words: str) -> None:
    with pytest.raises(TableError, match=words):
        within_costs(costly(), limits)


def test_there_are_thirty_latencies_of_devices() -> None:
    columns = device_columns()
    assert len({column.name for column in columns}) == len(columns)
    assert sum(column.unit == "ms" for column in columns) == 23 + 2 * 4
    assert all(column.role == "cost" and not column.higher_is_better for column in columns)


def test_a_cost_below_zero_counts_as_not_recorded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "devices.csv"
    path.write_text("code,acc,ms\n000100,50,-1\n000200,60,2\n000300,70,\n")
    table = read_delimited(path, space="nasbench201", key="code", columns=["a=acc:unit=%", "=ms:cost:lower:unit=ms"])
    np.testing.assert_array_equal(table.recorded(table.column("ms")), [np.nan, 2.0, np.nan])
    assert "Values of ms below zero (not supported by the device), which count as not recorded: 1." in (
        table.provenance.note
    )
