import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import torch

from archlock.evidence import RECIPE_VERSIONS, EvidenceStore, Key, Measurement, fidelity_name
from archlock.execution import computed_on, torch_version
from archlock.recipes.settling import is_outdated, say_what_is_outdated, settle
from tiny_runs import Noted

KEY = Key("nasbench201:314321", "0123", "source_accuracy", "validation", "f", 7)
OTHER = Key("nasbench201:314321", "0123", "probe_accuracy", "validation", "f", 7)


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "store.sqlite")


def test_what_the_store_knows_counts_and_the_difference_is_said(store: EvidenceStore) -> None:
    store.write([Measurement(KEY, 0.5, "accuracy", 1.0)])
    noted = Noted()
    counted = settle(store, [Measurement(KEY, 0.75, "accuracy", 2.0), Measurement(OTHER, 0.25, "accuracy", 1.0)], noted)
    assert {key: one.value for key, one in counted.items()} == {KEY: 0.5, OTHER: 0.25}
    (line,) = noted.lines
    assert "warning: source_accuracy of nasbench201:314321 (seed 7) was measured again as 0.75" in line
    assert f"{store.path} has 0.5, which counts. " in line
    again = [Measurement(KEY, 0.75, "accuracy", 2.0), Measurement(OTHER, 0.75, "accuracy", 1.0)]
    settle(store, again, noted)
    assert "which counts (and 1 more like that). " in noted.lines[1]


def test_a_failure_against_a_value_is_a_difference_too(store: EvidenceStore) -> None:
    store.write([Measurement(KEY, 0.5, "accuracy", 1.0)])
    noted = Noted()
    counted = settle(store, [Measurement(KEY, math.nan, "accuracy", 2.0, "failed", "diverged")], noted)
    assert counted[KEY].value == 0.5
    assert "was measured again as failed" in noted.lines[0]


@pytest.mark.parametrize(("value", "status"), [(0.1 + 0.2, "valid"), (math.nan, "failed")])
def test_the_same_again_is_not_worth_a_word(store: EvidenceStore, value: float, status: Any) -> None:
    measurement, noted = Measurement(KEY, value, "accuracy", 1.0, status), Noted()
    settle(store, [measurement], noted)
    settle(store, [measurement], noted)
    assert noted.lines == []


def test_measurements_of_an_earlier_recipe_are_counted_once(tmp_path: Path) -> None:
    """A store as the versions before wrote it: no format, no recipe's version in a fidelity."""
    path = tmp_path / "old.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE measurements (architecture TEXT NOT NULL, task TEXT NOT NULL, measure TEXT NOT NULL, split "
            "TEXT NOT NULL, fidelity TEXT NOT NULL, seed INTEGER NOT NULL, value REAL, unit TEXT NOT NULL, seconds "
            "REAL NOT NULL, status TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (architecture, task, measure, "
            "split, fidelity, seed)) WITHOUT ROWID"
        )
        for index, fidelity in enumerate(["adaptation-0123456789abcdef", "attack-0123456789abcdef", "my-own"] * 2):
            row = ("a", "t", "m", "train", fidelity, index, 0.5, "accuracy", 1.0, "valid", "")
            connection.execute(f"INSERT INTO measurements VALUES ({', '.join('?' * 11)})", row)
    connection.close()
    store, noted = EvidenceStore(path), Noted()
    assert len(store.read()) == 6
    say_what_is_outdated(store, noted)
    assert noted.lines == [
        f"{path} holds 4 measurements of an earlier recipe or another version of torch; they are kept and not used"
    ]
    say_what_is_outdated(EvidenceStore(tmp_path / "new.sqlite"), noted)
    assert len(noted.lines) == 1


def test_which_fidelities_are_outdated(monkeypatch: Any) -> None:
    for recipe in RECIPE_VERSIONS:
        for computed in ("", computed_on("cpu"), computed_on("cuda"), "cpu"):
            assert not is_outdated(fidelity_name(recipe, "0123-ab", computed=computed))
        assert is_outdated(f"{recipe}-0123456789abcdef")
        assert is_outdated(f"{recipe}-v{RECIPE_VERSIONS[recipe] + 1}-{computed_on('cpu')}-0123")
        assert is_outdated(fidelity_name(recipe, "0123", computed="torch1.0-cpu"))
    assert not is_outdated("")
    assert not is_outdated("shortish-0123")
    now = fidelity_name("short", "0123", computed=computed_on("cpu"))
    monkeypatch.setattr(torch, "__version__", "9.9.0")
    assert torch_version() == "9.9"
    assert is_outdated(now)
