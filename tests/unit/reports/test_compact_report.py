"""The record of a compaction, in words and on a page."""

from dataclasses import replace
from pathlib import Path

import pytest

from archlock.errors import RunError
from archlock.reports import (
    CompactRecord,
    CompactSize,
    CurvePoint,
    NarrowedGroup,
    PathPoint,
    TaskRecord,
    TrialRecord,
    compact_from_json,
    compact_lines,
    compact_remarks,
    compact_to_json,
    render_compact,
    render_compact_card,
)


def record() -> CompactRecord:
    source = TaskRecord(
        name="<digits>", origin="made up", fingerprint="0" * 16, kind="classification", classes=("a", "b"),
        shape=(1, 8, 8), examples={"train": 10, "validation": 10, "test": 200}, class_balance=(0.5, 0.5), skipped=0,
    )  # fmt: skip
    return CompactRecord(
        created="2026-03-01T10:00:00+00:00", seed=0, command="archlock compact it", versions={"archlock": "0.1.0"},
        model="it", origin="a file", source=source, method="hesso", paper="Chen et al. 2024", summary="lets fade",
        asked=0.5, cost="groups", divisible=1,
        groups=(
            NarrowedGroup(name="one", kind="channels", units=8, kept=5),
            NarrowedGroup(name="two", kind="heads", units=4, kept=1),
        ),
        left_alone=("head: 2 of 2 channels stay, it makes the answer",),
        before=CompactSize(parameters=2000, macs=40_000, weights_bytes=9000, latency_ms=2.0),
        after=CompactSize(parameters=1000, macs=10_000, weights_bytes=3000, latency_ms=0.5),
        timed_in="a machine, torch 2.13, one thread", difference=1e-7, validation=(0.95, 0.93), test=(0.9, 0.88),
        rate=0.02, epochs=(1, 4), periods=10, pruning_steps=30, steps=200, cycles=3,
        curve=(CurvePoint(kept=12, parameters=2000, score=0.95), CurvePoint(kept=6, parameters=900, score=0.4)),
        path=(PathPoint(kept=9, score=0.94), PathPoint(kept=6, score=0.9)),
        trials=(TrialRecord(rate=0.02, validation=0.93), TrialRecord(rate=0.1, validation=None, note="diverged")),
        looked_on=10,
    )  # fmt: skip


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = compact_to_json(tmp_path / "compact.json", record())
    assert compact_from_json(path) == record()
    (tmp_path / "other.json").write_text('{"record": "robustness"}')
    with pytest.raises(RunError, match='is no compact record: expected an object with "record": "compact"'):
        compact_from_json(tmp_path / "other.json")


def test_a_group_that_keeps_none_or_more_than_it_has_is_no_record() -> None:
    for kept in (0, 9):
        with pytest.raises(RunError, match=f"group one keeps 1 to 8 units; got {kept}"):
            replace(record(), groups=(NarrowedGroup(name="one", kind="channels", units=8, kept=kept),))
    with pytest.raises(RunError, match="has schema 1; got 2"):
        replace(record(), schema=2)


def test_the_share_is_of_what_was_asked() -> None:
    assert record().kept == 0.5
    assert replace(record(), cost="macs").kept == 0.25
    assert replace(record(), cost="parameters").kept == 0.5


def test_the_lines_say_what_a_reader_wants() -> None:
    lines = compact_lines(record()).splitlines()
    assert lines[0] == (
        "With 50.0% of its units (6 of 12 channels and heads that can go) the model loses 2.0\N{NO-BREAK SPACE}points "
        "of its test accuracy: 88.0%, before 90.0%."
    )
    assert [line.split()[-1] for line in lines[2:6]] == ["2.00x", "4.00x", "3.00x", "4.00x"]
    assert "decided in 3\N{NO-BREAK SPACE}corrective cycles" in lines[8]
    assert lines[9].startswith("Nothing was attacked: no target was given")


def test_remarks_are_made_where_there_is_something_to_remark() -> None:
    assert compact_remarks(record()) == ()
    slow = replace(record(), after=replace(record().after, latency_ms=2.5))
    assert "is not faster here" in compact_remarks(slow)[0]
    wide = replace(record(), asked=0.3, divisible=4)
    assert compact_remarks(wide)[0] == (
        "50.0% of the units are left, asked for were 30.0%: every group keeps a multiple of 4"
    )
    assert compact_remarks(replace(record(), asked=0.49)) == (), "as near as whole units allow"


def test_the_page_is_whole_escaped_and_the_same_again() -> None:
    page = render_compact(record())
    assert page == render_compact(record())
    assert "&lt;digits&gt;" in page
    assert "<digits>" not in page
    for words in ("50.0% left", "Accuracy over the share kept", "Learning rates", "diverged", "What stays, and why"):
        assert words in page
    assert "84.6% " not in page
    assert "Nothing was attacked" in page


def test_the_card_says_how_it_is_opened() -> None:
    card = render_compact_card(record(), folder="runs/small")
    assert 'archlock.load("runs/small")' in card
    assert "| parameters | 2,000 | 1,000 | 2.00x |" in card
    assert "| two | 4 | 1 |" in card
    strange = render_compact_card(replace(record(), opened_with="--module a:b"), folder="small")
    assert "archlock attack small --module a:b --target" in strange
