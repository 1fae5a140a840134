from dataclasses import replace

import numpy as np
import pytest

from archlock.errors import TableError
from archlock.tables import Table, without_gaps
from made_up_tables import made_up_table

PAIR = [("t0", "t1")]


def holed(table: Table, **missing: np.ndarray | slice) -> Table:
    """The table without the values of these rows, by column."""
    values = table.values.copy()
    for name, rows in missing.items():
        values[[column.name for column in table.columns].index(name), rows] = np.nan
    return replace(table, values=values)


def test_a_table_without_gaps_is_itself() -> None:
    table = made_up_table(codes=30, short=True, judge=True)
    assert without_gaps(table, table.pairs, surrogates=True) == (table, ())


def test_architectures_without_truth_on_the_pair_are_left_out_and_counted() -> None:
    table = made_up_table(codes=30)
    given = holed(table, t0_200=slice(0, 4), t1_200=slice(3, 6), t2_200=slice(10, 20), nwot_t0=slice(0, 30))
    found, notes = without_gaps(given, PAIR, surrogates=False)
    assert found.codes == table.codes[6:]
    np.testing.assert_array_equal(found.recorded(found.truth("t0")), table.recorded(table.truth("t0"))[6:])
    assert notes == (
        "6 of 30 architectures are left out, since they have no recorded value on every task (t0_200 has 26, t1_200 "
        "has 27); percentiles are among the other 24.",
    )
    assert without_gaps(given, PAIR, surrogates=True)[0].codes == (*table.codes[6:10], *table.codes[20:])


def test_what_judges_must_be_there_too() -> None:
    given = holed(made_up_table(codes=30, judge=True), t1_judge=slice(0, 2))
    assert len(without_gaps(given, PAIR, surrogates=False)[0].codes) == 28


def test_too_few_are_refused_with_their_number() -> None:
    given = holed(made_up_table(codes=30), t0_200=slice(0, 15), t1_200=slice(14, 22))
    with pytest.raises(
        TableError, match=r"of 30 architectures of table 'made_up' 8 have recorded values on all of t0, t1"
    ):
        without_gaps(given, PAIR, surrogates=False)
    with pytest.raises(TableError, match=r"\(t0_200 has 15, t1_200 has 22\); an evaluation needs at least 10"):
        without_gaps(given, PAIR, surrogates=False)


def test_scarce_short_trainings_are_no_evidence() -> None:
    table = made_up_table(codes=30, short=True)
    found, notes = without_gaps(holed(table, t0_12=slice(0, 16), t1_12=slice(0, 14)), PAIR, surrogates=False)
    assert notes == ("Short trainings of less than half of the 30 architectures are not sold: t0_12 (14).",)
    assert {c.name for c in table.columns} - {c.name for c in found.columns} == {"t0_12"}
    assert found.codes == table.codes
