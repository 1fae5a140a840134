import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from archlock.errors import RunError
from archlock.evidence import EvidenceStore
from archlock.recipes import open_model
from archlock.recipes.model_identity import BY_PRINT, identify, refuse_by_print, run_identity
from archlock.recipes.settling import say_what_is_outdated
from archlock.tasks import Framing
from foreign_models import FACTORY, plain_network, weights_file
from tiny_runs import Noted

SHAPE = (1, 8, 8)


def test_modules_that_compute_otherwise_are_not_the_same_architecture() -> None:
    smooth = plain_network()
    smooth[2] = nn.Tanh()  # type: ignore[operator]
    one, other = (identify(open_model(model), SHAPE) for model in (plain_network(), smooth))
    assert one.weights == other.weights
    assert one.architecture != other.architecture
    assert one == identify(open_model(plain_network()), SHAPE)


def test_what_builds_it_how_it_is_framed_and_at_which_size_belong_to_it(tmp_path: Path) -> None:
    path = weights_file(tmp_path / "best.pt")
    opened = open_model(path, factory=FACTORY, size=(8, 8))
    said = open_model(path, factory=FACTORY, arguments={"width": 6}, size=(8, 8))  # (the same by another command)
    others = [said, replace(opened, framing=Framing(8, 8, edge=9))]
    names = {identify(one, SHAPE).architecture for one in (opened, *others)} | {
        identify(opened, (1, 8, 9)).architecture
    }
    assert len(names) == 4
    assert said.built_by == f"{FACTORY}(width=6)"


def test_a_directory_keeps_what_differs_in_words() -> None:
    one, other = (identify(open_model(model), SHAPE) for model in (plain_network(), plain_network(width=5)))
    kept = run_identity({"model": one, "reference": other})
    assert kept["model name"] == "Sequential"
    assert {name for name in kept if kept[name] != run_identity({"model": one, "reference": one}).get(name)} == {
        "reference weights",
        "reference answers",
    }


def test_a_run_that_knew_its_model_by_print_is_refused(tmp_path: Path) -> None:
    refuse_by_print(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"models": [["nasbench201:314231", "0" * 16]]}))
    refuse_by_print(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"models": [["best#0123456789abcdef", "0" * 16]]}))
    with pytest.raises(RunError, match=r"holds an attack on best by an earlier version, .*give another --out"):
        refuse_by_print(tmp_path)


def test_values_under_the_old_identity_are_counted_and_said(tmp_path: Path) -> None:
    """A store as the versions before wrote it, with one foreign model, one of ours, and one of today."""
    path = tmp_path / "old.sqlite"
    today = identify(open_model(plain_network()), SHAPE).architecture
    EvidenceStore(path)
    with sqlite3.connect(path) as connection:
        for name in ("best#0123456789abcdef", "nasbench201:314231", today):
            for seed in range(3):
                connection.execute(
                    "INSERT INTO measurements VALUES (?, 't', 'attack.linear_probe.score', 'test', 'f', ?, 0.5, "
                    "'accuracy', 1.0, 'valid', '')",
                    [name, seed],
                )
    store, noted = EvidenceStore(path), Noted()
    assert store.count_of(BY_PRINT) == 3
    say_what_is_outdated(store, noted)
    (line,) = noted.lines
    assert "holds 3 measurements of foreign models" in line
    assert "kept and not used" in line
