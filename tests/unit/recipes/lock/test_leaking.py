"""``lock --peep``: both networks watched alike, and what is said of them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from archlock.errors import RunError, UnsupportedError
from archlock.recipes import LockConfig
from archlock.recipes.lock import leaking
from archlock.recipes.lock.leaking import leak_of, refuse_peep
from archlock.reports import LeakRecord, LeakSeen, leak_said, leak_sentences, render_card, render_html, to_json
from archlock.reports.leak_words import leak_comparison
from archlock.reports.record import from_json
from peep_records import observer, peep_record
from report_records import lock_record
from tiny_runs import tiny_begin, tiny_config


def seen(locked: tuple[float, ...], ordinary: tuple[float, ...], **changes: Any) -> LeakSeen:
    made = LeakSeen(
        observer="timer", who="somebody", locked=locked, source_only=ordinary, unseen=0.05, repeatability=0.98
    )
    return replace(made, **changes)


def test_both_networks_are_watched_by_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def peep(model: Any, config: Any, *, out: Path, **rest: Any) -> Any:
        asked.append((model, config, out.name, rest["command"]))
        error = 0.1 if out.name == "locked" else 0.3
        watched = [observer(name, error, error, repeatability=0.95) for name in config.chosen]
        return SimpleNamespace(record=peep_record(*watched))

    monkeypatch.setattr(leaking, "peep", peep)
    every: Any = {role: SimpleNamespace(models=(role,)) for role in ("locked", "source_only", "random")}
    run = tiny_begin(tmp_path / "run", tiny_config(peep=True))
    found = leak_of(run, every, command="archlock lock")
    assert found is not None
    assert [(model, place) for model, _, place, _ in asked] == [("locked", "locked"), ("source_only", "source_only")]
    assert asked[0][1] is asked[1][1]
    assert [one.observer for one in found.observers] == ["memory", "timer", "both"]
    assert (found.observers[1].locked, found.observers[1].source_only) == ((0.1, 0.1), (0.3, 0.3))
    assert leak_of(replace(run, config=tiny_config()), every, command="") is None
    assert len(asked) == 2


def test_signals_are_refused_before_anything_is_trained() -> None:
    source: Any = SimpleNamespace(form="signal", name="ecg")
    with pytest.raises(UnsupportedError, match="taught by networks of images, and 'ecg' has signals; leave out --peep"):
        refuse_peep(LockConfig(peep=True), source)
    refuse_peep(LockConfig(), source)


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (seen((0.1, 0.1), (0.3, 0.3)), "easier to read"),
        (seen((0.3, 0.3), (0.1, 0.1)), "harder to read"),
        (seen((0.1, 0.3), (0.1, 0.1)), "read as well"),
        (seen((0.1,), (0.3,), repeatability=0.5), "not judged"),
    ],
)
def test_the_comparison_is_by_intervals(one: LeakSeen, word: str) -> None:
    assert leak_comparison(one) == word


def test_page_card_and_line_say_it_and_the_record_keeps_it(tmp_path: Path) -> None:
    plain = lock_record()
    assert leak_sentences(plain) == ()
    assert leak_said(plain) == ""
    assert "execution betrays" not in render_html(plain)
    leak = LeakRecord(machine="a machine", networks=250, observers=(seen((0.1, 0.1), (0.3, 0.3)),))
    record = replace(plain, leak=leak)
    assert from_json(to_json(tmp_path / "result.json", record)) == record
    sentence = "timer reads 10.0% (10.0% to 10.0%) of the skeleton of the locked network wrongly, 30.0%"
    assert sentence in leak_said(record)
    assert sentence in render_html(record)
    assert "it is easier to read" in render_card(record)


def test_a_leak_without_recordings_is_refused() -> None:
    with pytest.raises(RunError, match="known of at least one observer, with recordings of both networks"):
        LeakRecord(machine="", networks=250, observers=(seen((), (0.1,)),))
