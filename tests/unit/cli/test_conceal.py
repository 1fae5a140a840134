"""``archlock conceal``: what is asked for reaches the recipe; what cannot be meant is refused before anything runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from typer.testing import CliRunner

from archlock import recipes
from archlock.cli.app import app
from archlock.errors import ConfigurationError
from archlock.recipes import ConcealResult
from conceal_records import conceal_record


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the recipe is asked for; it answers at once."""
    calls: list[Any] = []

    def conceal(model: Any, config: Any, **rest: Any) -> ConcealResult:
        calls.append((model, config, rest))
        return ConcealResult(conceal_record(notes=("the machine was busy",)), nn.Identity(), tmp_path)

    monkeypatch.setattr(recipes, "conceal", conceal)
    monkeypatch.setattr("archlock.cli.conceal.opened_model", lambda text, *_: f"opened {text}")
    return calls


def test_a_model_is_hidden_with_what_was_asked_for(asked: list[Any]) -> None:
    words = "conceal runs/mine --budget 2x --manoeuvre branch --manoeuvre dummy --observer both --rounds 2 --out out -q"
    done = CliRunner().invoke(app, [*words.split(), "--networks", "90", "--plans", "7"])
    assert done.exit_code == 0, done.output
    ((model, config, rest),) = asked
    assert model == "opened runs/mine"
    assert (config.budget, config.manoeuvres, config.observers) == (2.0, ("branch", "dummy"), ("both",))
    assert (config.networks, config.rounds, config.plans, rest["out"]) == (90, 2, 7, Path("out"))
    assert "reader who knows" in done.stdout
    assert "warning: the machine was busy" in done.stderr


def test_json_is_alone_on_the_standard_output(asked: list[Any]) -> None:
    done = CliRunner().invoke(app, ["conceal", "runs/mine", "--out", "out", "--json"])
    assert json.loads(done.stdout)["record"] == "conceal"
    assert asked[0][1].observers == ("timer",)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--budget 1.5", "budget '1.5' is not understood; write how many times as slow"),
        ("--budget 0.5x", "from 1 to 100, as in 1.5x; got 0.5"),
        ("--manoeuvre kernl", "group, kernel, branch, deepen, dummy (did you mean 'kernel'?)"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: str, message: str, asked: list[Any]) -> None:
    done = CliRunner().invoke(app, ["conceal", "runs/mine", "--out", "out", *words.split()])
    assert isinstance(done.exception, ConfigurationError)
    assert message in str(done.exception)
    assert not asked
