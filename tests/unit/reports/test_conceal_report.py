"""The record of a concealment, what it comes to in words, and its page."""

import json
from pathlib import Path
from typing import Any

import pytest

from archlock.errors import RunError
from archlock.records import plain
from archlock.reports import (
    conceal_from_json,
    conceal_lines,
    conceal_to_json,
    conceal_warnings,
    render_conceal,
    render_conceal_card,
)
from archlock.reports.conceal_words import conceal_headline, conceal_verdict
from conceal_records import VISIBLE, conceal_record, hidden_from, read


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = conceal_record(notes=("so it is",))
    assert conceal_from_json(conceal_to_json(tmp_path / "conceal.json", record)) == record


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"record": "peep"}, 'is no conceal record: expected an object with "record": "conceal"'),
        ({"schema": 9}, "has schema 9, this version of ArchLock reads schema 1"),
        ({"rounds": []}, "is damaged: a conceal record has at least one observer and one round"),
        ({"chosen_round": 3}, "is damaged: the chosen round is one of 2; got 3"),
    ],
)
def test_what_is_no_record_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = tmp_path / "conceal.json"
    path.write_text(json.dumps({**plain(conceal_record()), **change}))
    with pytest.raises(RunError, match=words):
        conceal_from_json(path)


def test_an_observer_without_recordings_is_refused() -> None:
    with pytest.raises(RunError, match="timer has at least one recording before and after"):
        conceal_record(hidden_from(taught=read()))


@pytest.mark.parametrize(
    ("errors", "word"),
    [((0.2, 0.2), "harder to read"), ((0.03, 0.03), "no difference"), ((0.01, 0.01), "easier to read")],
)
def test_the_verdict_is_by_the_reader_who_knows(errors: tuple[float, ...], word: str) -> None:
    assert conceal_verdict(hidden_from(taught=read(*errors))) == word


def test_the_naive_figure_is_never_alone() -> None:
    record = conceal_record()
    assert "reads wrongly 20.0% of the skeleton by timer (nothing done 3.0%)." in conceal_headline(record)
    assert "60" not in conceal_headline(record)
    for text in (conceal_lines(record), render_conceal_card(record), render_conceal(record)):
        assert "0.600" in text
        assert "0.200" in text
        assert "0.030" in text
        assert "1.40 times its latency (budget 1.50)" in text
        assert "0.034 / 0.660 / 0.250" in text
        assert "branch 1x, dummy 1x" in text


def test_what_is_simulated_and_who_has_not_learned_is_said_first() -> None:
    one = hidden_from("both", simulated=True, taught=read(0.3, training_accuracy=0.5))
    learned, simulated = conceal_warnings(conceal_record(one))
    assert "the reader who knows of both reads only 50.0% of what it was taught by" in learned
    assert "what both sees of memory is simulated" in simulated
    assert "both (simulated)" in render_conceal(conceal_record(one))


def test_what_visible_architectures_learn_is_said_where_it_was_asked_for() -> None:
    said = "true architecture reaches 80.0%, what is visible of the best disguises 60.0%, diverged; the one that learns"
    record = conceal_record(visible=VISIBLE)
    for text in (conceal_lines(record), render_conceal_card(record), render_conceal(record)):
        assert said in text
    assert "trained shortly" not in conceal_lines(conceal_record())


def test_the_page_is_the_same_bytes_and_has_the_plan() -> None:
    page = render_conceal(conceal_record())
    assert page == render_conceal(conceal_record())
    assert "branch 2 outputs, dummy 1" in page
    assert "2 (taken)" in page
    assert "<script" not in page
