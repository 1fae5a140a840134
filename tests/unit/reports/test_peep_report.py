"""The record of a peep, what it comes to in words, and its page."""

import json
from pathlib import Path
from typing import Any

import pytest

from archlock.errors import RunError
from archlock.records import plain
from archlock.reports import (
    between_recordings,
    candidates_from_json,
    candidates_lines,
    candidates_to_json,
    observer_verdict,
    peep_from_json,
    peep_lines,
    peep_to_json,
    peep_warnings,
    render_candidates,
    render_candidates_card,
    render_peep,
    render_peep_card,
)
from archlock.reports.peep_page import aligned
from peep_records import CHECK, FAMILY, candidates_record, observer, peep_record


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = peep_record()
    assert peep_from_json(peep_to_json(tmp_path / "peep.json", record)) == record
    which = candidates_record()
    assert candidates_from_json(candidates_to_json(tmp_path / "candidates.json", which)) == which


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"record": "lock"}, 'is no peep record: expected an object with "record": "peep"'),
        ({"schema": 9}, "has schema 9, this version of ArchLock reads schema 1"),
        ({"operators": []}, "is damaged: a peep record has at least one operator"),
        ({"seed": "one"}, "is damaged: seed"),
    ],
)
def test_what_is_no_record_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "peep.json"
    path.write_text(json.dumps({**plain(peep_record()), **change}))
    with pytest.raises(RunError, match=words):
        peep_from_json(path)


def test_an_observer_has_a_check_and_a_reading_or_neither() -> None:
    with pytest.raises(RunError, match="timer has a check of its reader and what was read, or neither"):
        peep_record(observer("timer", check=CHECK))


def test_the_interval_over_recordings_is_students() -> None:
    found = between_recordings([0.1, 0.2, 0.3])
    assert found.mean == pytest.approx(0.2)
    assert found.high == pytest.approx(0.2 + 4.303 * 0.1 / 3**0.5)
    assert found.low == 0.0
    assert between_recordings([0.25]).low == between_recordings([0.25, 0.25]).high == 0.25


@pytest.mark.parametrize(
    ("errors", "word"),
    [
        ((0.05, 0.05), "read"),
        ((0.05, 0.15), "partly read"),  # (the interval is wide)
        ((0.3,), "partly read"),
        ((0.6, 0.6), "hidden"),
    ],
)
def test_the_verdict_is_by_the_skeleton_with_its_interval(errors: tuple[float, ...], word: str) -> None:
    one = observer("timer", *errors)
    assert observer_verdict(one, peep_record(one)).word == word


def test_a_busy_machine_is_said_and_not_judged() -> None:
    one = observer("timer", 0.0, repeatability=0.7)
    assert observer_verdict(one, peep_record(one)).word == "not judged"


@pytest.mark.parametrize(
    ("family", "word"), [("plain", "family read"), ("residual", "a hint"), ("sizes", "hidden"), ("", "a hint")]
)
def test_a_remote_user_is_judged_by_the_family(family: str, word: str) -> None:
    one = observer("service")
    assert observer_verdict(one, peep_record(one, family=family)).word == word


def test_a_reader_that_has_not_learned_is_said_before_any_number() -> None:
    from dataclasses import replace

    one = observer("memory", 0.9, check=replace(CHECK, training_accuracy=0.33))
    (line,) = peep_warnings(peep_record(one))
    assert "reads only 33.0% of what it was taught by" in line
    assert "simulated noise of 0.1" in peep_warnings(peep_record(noise=0.1))[0]


def test_lines_card_and_page_say_the_same() -> None:
    record = peep_record()
    for text in (peep_lines(record), render_peep_card(record), render_peep(record)):
        assert "nasbench201:421211, 8\N{NO-BREAK SPACE}operators" in text
        assert "0.125" in text
    assert "majority 25.0%, shuffled 20.0%" in peep_lines(record)
    assert "10^1.5 of 10^40" in render_peep_card(record)
    page = render_peep(record)
    assert page == render_peep(record)
    assert "This model is of nasbench201." in page
    assert FAMILY.names[1] in page
    assert "<script" not in page


def test_sequences_are_aligned_with_dashes() -> None:
    assert aligned(("a", "b", "c"), ("a", "c")) == [("a", "a"), ("b", "-"), ("c", "c")]
    assert aligned(("a", "b"), ("a", "x", "y")) == [("a", "a"), ("b", "x"), ("-", "y")]


def test_lines_and_page_of_a_closed_set() -> None:
    record = candidates_record()
    lines = candidates_lines(record)
    assert "timer    it is a/ (distance 0.020, limit 0.050)" in lines
    assert "it is none of these; the nearest is a/ (distance 0.020, limit 0.010; the candidates are hardly" in lines
    for text in (render_candidates(record), render_candidates_card(record)):
        assert "b/ and d/ compute the same operators" in text
        assert "it is a/" in text
