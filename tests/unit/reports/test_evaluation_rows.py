"""Rows as a flat table: the same columns in the same order, and every number exactly."""

import builtins
import csv
import io
from pathlib import Path
from typing import Any

import pytest

from archlock.errors import ConfigurationError
from archlock.reports import rows_csv, write_rows_parquet
from evaluation_records import full_evaluation, unhappy_evaluations

COLUMNS = [
    "table",
    "source",
    "target",
    "scheme",
    "method",
    "preference",
    "strategy",
    "evidence",
    "seed",
    "architecture",
    "source_percentile",
    "target_percentile",
    "source_value",
    "target_value",
    "source_loss",
    "target_loss",
    "lock_score",
    "queries_proxy",
    "queries_short",
    "queries_source_full",
    "queries_target_full",
    "queries_surrogate_full",
    "seconds",
]


def test_the_columns_are_the_promised_ones_and_numbers_come_back() -> None:
    record = full_evaluation(seeds=1)
    read = list(csv.DictReader(io.StringIO(rows_csv(record))))
    assert list(read[0]) == COLUMNS
    assert len(read) == len(record.rows)
    for line, row in zip(read, record.rows, strict=True):
        assert float(line["target_percentile"]) == row.target_percentile
        assert float(line["lock_score"]) == row.lock_score
        assert int(line["queries_surrogate_full"]) == row.queries.surrogate_full
        assert line["architecture"] == row.architecture


def test_hostile_text_and_missing_scores_survive() -> None:
    hostile = unhappy_evaluations()["hostile"]
    read = list(csv.DictReader(io.StringIO(rows_csv(hostile))))
    assert [line["method"] for line in read] == [row.method for row in hostile.rows]
    assert {line["lock_score"] for line in csv.DictReader(io.StringIO(rows_csv(unhappy_evaluations()["no_room"])))} == {
        ""
    }


def test_parquet_has_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    record = full_evaluation(seeds=1)
    table = parquet.read_table(write_rows_parquet(tmp_path / "rows.parquet", record))
    assert table.column_names == COLUMNS
    assert table["target_percentile"].to_pylist() == [row.target_percentile for row in record.rows]
    assert table["queries_proxy"].to_pylist() == [row.queries.proxy for row in record.rows]


def test_without_pyarrow_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigurationError, match=r"rows\.parquet needs the package pyarrow.*CSV file"):
        write_rows_parquet(tmp_path / "rows.parquet", full_evaluation(seeds=1))
    assert not list(tmp_path.iterdir())
