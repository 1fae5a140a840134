"""``archlock peep``: what is asked for reaches the recipes; what cannot be meant is refused before anything runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from archlock import recipes
from archlock.cli.app import app
from archlock.errors import ConfigurationError
from archlock.recipes import CandidatesResult, PeepResult
from peep_records import candidates_record, peep_record

OPENED = "opened"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What the recipes are asked for; they answer at once."""
    calls: list[Any] = []

    def peep(model: Any, config: Any, **rest: Any) -> PeepResult:
        calls.append((model, config, rest))
        return PeepResult(peep_record(), tmp_path)

    def which(candidates: Any, suspect: Any, **rest: Any) -> CandidatesResult:
        calls.append((candidates, suspect, rest))
        return CandidatesResult(candidates_record(), tmp_path)

    monkeypatch.setattr(recipes, "peep", peep)
    monkeypatch.setattr(recipes, "which_is_running", which)
    monkeypatch.setattr("archlock.cli.peep.opened_model", lambda text, *rest: f"{OPENED} {text}")
    return calls


def test_a_model_is_peeped_at_with_what_was_asked_for(asked: list[Any]) -> None:
    words = "peep runs/mine --observer timer --observer both --networks 90 --noise 0.1 --seed 3 --out out -q"
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 0, done.output
    ((model, config, rest),) = asked
    assert model == f"{OPENED} runs/mine"
    assert (config.observers, config.networks, config.noise, config.seed) == (("timer", "both"), 90, 0.1, 3)
    assert (config.recordings, rest["out"]) == (3, Path("out"))
    assert done.stdout.startswith("nasbench201:421211, 8\N{NO-BREAK SPACE}operators")


def test_json_is_alone_on_the_standard_output(asked: list[Any]) -> None:
    done = CliRunner().invoke(app, ["peep", "runs/mine", "--out", "out", "--json"])
    assert json.loads(done.stdout)["record"] == "peep"


def test_candidates_are_opened_and_a_trace_is_not(asked: list[Any]) -> None:
    done = CliRunner().invoke(app, ["peep", "--candidates", "a/", "b/", "--suspect", "t.jsonl", "--out", "out", "-q"])
    assert done.exit_code == 0, done.output
    assert "timer    it is a/" in done.stdout
    assert asked[0][0] == {"a/": f"{OPENED} a/", "b/": f"{OPENED} b/"}
    assert (asked[0][1], asked[0][2]["recordings"]) == ("t.jsonl", 5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("peep runs/mine", "give --out, as in --out peeps/mine"),
        ("peep --out out", "give one model, or several with --candidates and --suspect; got none"),
        ("peep a b --out out", "give one model, or several with --candidates and --suspect; got 2"),
        ("peep a b --candidates --out out", "--candidates and --suspect go together"),
        ("peep a --suspect b --out out", "--candidates and --suspect go together"),
        ("peep a a --candidates --suspect b --out out", "the candidate a is named twice; name each once"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: str, message: str, asked: list[Any]) -> None:
    done = CliRunner().invoke(app, words.split())
    assert isinstance(done.exception, ConfigurationError)
    assert message in str(done.exception)
    assert not asked
