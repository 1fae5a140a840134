"""The record of an evaluation: born valid, and the same after a journey through JSON."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archlock.errors import RunError
from archlock.records import plain
from archlock.reports import Queries, evaluation_from_json, evaluation_to_json
from evaluation_records import evaluation, full_evaluation, row, scale, unhappy_evaluations


@pytest.mark.parametrize("name", ["full", *unhappy_evaluations()])
def test_a_record_is_the_same_after_a_journey_through_json(name: str, tmp_path: Path) -> None:
    record = {"full": full_evaluation(seeds=2), **unhappy_evaluations()}[name]
    assert evaluation_from_json(evaluation_to_json(tmp_path / "evaluation.json", record)) == record


def test_the_lock_score_is_that_of_the_glossary() -> None:
    pair = scale(chance=70.0, floor=30.0)
    assert [pair.lock_score(found, kept=True) for found in (70.0, 30.0, 50.0, 80.0)] == [0.0, 1.0, 0.5, -0.25]
    assert [pair.lock_score(found, kept=False) for found in (70.0, 2.0)] == [0.0, 0.0]
    assert scale(chance=40.0, floor=40.0).lock_score(40.0, kept=True) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"target": "a"}, "must differ"),
        ({"target_percentile": 101.0}, r"target_percentile must be in \[0, 100\]; got 101.0"),
        ({"source_percentile": float("nan")}, "source_percentile must be .* got nan"),
        ({"source_loss": -0.5}, "source_loss must be a number from 0 on; got -0.5"),
        ({"seconds": float("inf")}, "seconds must be a number from 0 on; got inf"),
        ({"target_value": float("nan")}, "target_value is not a finite number"),
    ],
)
def test_a_row_is_born_valid(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(RunError, match=expected) as caught:
        replace(row(50.0), **change)
    assert "run of tu on a to " in str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"value": float("nan")}, "floor of a is a finite value .* got nan and 118"),
        ({"different": 0}, "got 91.94 and 0"),
        ({"noise": -0.1}, "the noise of a is a number from 0 on, or None; got -0.1"),
    ],
)
def test_the_value_at_a_floor_is_born_valid(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(RunError, match=expected):
        replace(evaluation([row(50.0)], [scale()]).floors[0], **change)


def test_queries_are_counted_from_zero() -> None:
    with pytest.raises(RunError, match="got -1 of short"):
        Queries(short=-1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"feasible": 0}, "at least one architecture keeps the floor; got 0"),
        ({"best_source": -1.0}, r"best_source must be in \[0, 100\]; got -1.0"),
        ({"tk_floor": 71.0}, "nothing can be below the lowest target percentile .71.0.; got 70.0"),
    ],
)
def test_a_scale_is_born_valid(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(RunError, match=expected):
        replace(scale(), **change)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schema": 1}, "schema 2; got 1"),
        ({"floor": 197.0}, "got 197.0"),
        ({"rows": ()}, "at least one run"),
        ({"scales": ()}, "none for a to b"),
        ({"scales": (scale(), scale())}, "twice: a to b"),
        ({"scales": (replace(scale(), table="other"),)}, "'toy'; got a part of table 'other'"),
        ({"scales": (scale(), scale("a", "c"))}, "has the tasks a, b; got 'c'"),
        ({"rows": (row(50.0), row(60.0))}, "tu ran more than once on a to b with seed 0"),
        ({"rows": (row(50.0), replace(row(50.0, seed=1), evidence="other"))}, "'tu' stands for one configuration"),
        ({"rows": (replace(row(50.0), lock_score=0.4),)}, "the lock score is 0.5; got 0.4"),
        ({"rows": (replace(row(50.0), lock_score=None),)}, "the lock score is 0.5; got None"),
        ({"rows": (replace(row(2.0, source_percentile=96.0), lock_score=1.7),)}, "the lock score is 0.0; got 1.7"),
        ({"floors": ()}, "needs its floor; none for a"),
        ({"floors": 2 * evaluation([row(50.0)], [scale()]).floors}, "a source has one floor; got a, a"),
        (
            {"rows": (replace(row(50.0), source_value=91.0),)},
            "98 keeps the floor 97, so the value must be at least 91.9",
        ),
        (
            {"rows": (replace(row(50.0, source_percentile=96.0), source_value=92.0),)},
            "96 misses the floor 97, so the value must be below 91.9",
        ),
    ],
)
def test_an_evaluation_is_born_valid(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(RunError, match=expected):
        replace(evaluation([row(50.0)], [scale()]), **change)


def test_a_foreign_or_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    content = plain(evaluation([row(50.0)], [scale()]))
    for broken, expected in (
        ({"record": "lock"}, "is no evaluation"),
        ({**content, "schema": 9}, "has schema 9"),
        ({**content, "schema": 1}, "has schema 1, .* reads schema 2 of evaluation records; .* or run again"),
        ({**content, "rows": [{**content["rows"][0], "seed": "first"}]}, r"rows\[0\].seed: expected a whole number"),
        ({**content, "floor": 120}, "damaged.*got 120"),
    ):
        path.write_text(json.dumps(broken))
        with pytest.raises(RunError, match=expected) as caught:
            evaluation_from_json(path)
        assert str(path) in str(caught.value)
