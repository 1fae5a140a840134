"""Records: round trip, and clear words for everything that is not one."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from archlock.errors import RunError
from archlock.records import plain
from archlock.reports import SCHEMA, FileRecord, from_json, from_plain, to_json
from report_records import attack_record, lock_record, unhappy_records


@pytest.mark.parametrize("record", [lock_record(), attack_record(), attack_record(reference=False)])
def test_a_record_is_read_as_it_was_written(tmp_path: Path, record: object) -> None:
    path = to_json(tmp_path / "result.json", record)
    assert from_json(path) == record


@pytest.mark.parametrize("name", list(unhappy_records()))
def test_unhappy_records_too(tmp_path: Path, name: str) -> None:
    record = unhappy_records()[name]
    assert from_json(to_json(tmp_path / "result.json", record)) == record


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"result\.json is missing"):
        from_json(tmp_path / "result.json")


def test_a_foreign_schema_is_refused() -> None:
    with pytest.raises(RunError, match=f"r has schema 99, this version of ArchLock reads schema {SCHEMA}"):
        from_plain({**plain(lock_record()), "schema": 99}, name="r")


@pytest.mark.parametrize("content", [[], None, {}, {"record": "something", "schema": 1}])
def test_what_is_no_record_is_refused(content: object) -> None:
    with pytest.raises(RunError, match=r"result\.json is no record of ArchLock"):
        from_plain(content)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("outcomes", 3, "test"), "high", r"damaged: .*outcomes\[3\]\.test.*'high'"),
        (("seed",), 1.5, r"damaged: .*seed.*1\.5"),
        (("scheme",), "xx", r"damaged: .*scheme.*'xx'"),
        (("source", "shape"), [1, 2], r"damaged: .*source\.shape"),
        (("locked", "source_test"), [], r"one source test score per training seed; got 3 and 0"),
        (("floor", "value"), None, r"damaged: .*floor\.value"),
    ],
)
def test_damage_is_located(place: tuple[str | int, ...], value: object, words: str) -> None:
    content = json.loads(json.dumps(plain(lock_record())))
    inner = content
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(RunError, match=words):
        from_plain(content)


def test_missing_and_unknown_fields_are_named() -> None:
    content = plain(lock_record())
    with pytest.raises(RunError, match="command"):
        from_plain({name: value for name, value in content.items() if name != "command"})
    with pytest.raises(RunError, match="surprise"):
        from_plain({**content, "surprise": 1})


def test_nan_is_refused_at_birth() -> None:
    record = lock_record()
    with pytest.raises(RunError, match=r"locked\.source_test\[0\] is not a finite number"):
        replace(record, locked=replace(record.locked, source_test=(math.nan, 0.9, 0.9)))
    with pytest.raises(RunError, match=r"budget\.spent_seconds\.attacks is not a finite number"):
        replace(record, budget=replace(record.budget, spent_seconds={"attacks": math.inf}))


def test_an_outcome_has_scores_exactly_when_valid() -> None:
    outcome = lock_record().outcomes[0]
    with pytest.raises(RunError, match="a failed one has neither; got validation 0"):
        replace(outcome, status="failed")
    with pytest.raises(RunError, match="got validation None, test 0"):
        replace(outcome, validation=None)


def test_what_does_not_fit_together_is_refused() -> None:
    record = lock_record()
    with pytest.raises(RunError, match="the locked model has the role 'source_only'"):
        replace(record, locked=record.source_only)
    with pytest.raises(RunError, match="an outcome is on the target 'letters', but the targets are \\[\\]"):
        replace(record, targets=())
    with pytest.raises(RunError, match="target names must differ"):
        replace(record, targets=(*record.targets, record.targets[0]))
    with pytest.raises(RunError, match=r"the fraction must be in \(0, 1\]; got 0\.0"):
        replace(record, outcomes=(replace(record.outcomes[0], fraction=0.0),))
    with pytest.raises(RunError, match=r"the attacked model first .* got \['source_only'\]"):
        replace(attack_record(), models=(record.source_only,))


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "javascript:alert(1)", "a\\b", "", "https://example.org/x"])
def test_a_file_of_a_run_lies_inside_it(path: str) -> None:
    with pytest.raises(RunError, match="named by a path inside the run directory"):
        FileRecord(path=path, what="x")


def test_records_of_before_searches_are_read_as_they_were_meant() -> None:
    content = plain(lock_record())
    for outcome in content["outcomes"]:
        for name in ("shots", "horizon", "steps", "curve"):
            del outcome[name]
    read = from_plain(content)
    assert read == lock_record()
    assert {(o.shots, o.horizon, o.steps, o.curve) for o in read.outcomes} == {(None, 1.0, None, ())}


def test_horizons_and_shots_have_a_meaning() -> None:
    outcome = lock_record().outcomes[0]
    with pytest.raises(RunError, match=r"the horizon is above 0 and shots are at least 1; got 0\.0 and None"):
        replace(outcome, horizon=0.0)
    with pytest.raises(RunError, match=r"got 1\.0 and 0"):
        replace(outcome, shots=0)
