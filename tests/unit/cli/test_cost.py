"""``archlock cost`` and the limits of ``archlock lock``, as words."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app
from archlock.errors import ConfigurationError
from archlock.models import build, save_weights
from archlock.recipes.export import Blueprint, save_blueprint
from archlock.recipes.limits import timing
from archlock.spaces import SPACES
from archlock.tasks import Signature

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SECONDS_A_BLOCK", 0.001)


def call(*words: Any) -> str:
    done = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def test_a_model_is_told_in_lines_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archlock.extras.find_spec", lambda name: None if name == "onnxruntime" else name)
    architecture = SPACES["nasbench201"].architecture("000100")
    signature = Signature("classification", (1, 8, 8), 4, (0.5,), (0.25,))
    save_blueprint(Blueprint(architecture, signature, tuple("abcd"), 2, 1), tmp_path / "architecture.json")
    save_weights(build(architecture, signature, width=2, depth=1, seed=0), tmp_path / "locked.safetensors")
    told = json.loads(call("cost", tmp_path, "--json"))
    assert told["flops"] == 2 * told["macs"]
    assert told["latency"]["cpu_ms"] > 0
    shown = call("cost", tmp_path, "--runtime", "torch")
    assert f"parameters    {told['parameters']:,}\n" in shown


def test_a_machine_is_calibrated_and_a_lock_refuses_the_calibration_of_other_networks(tmp_path: Path) -> None:
    table = tmp_path / "here.device.json"
    asked = ("--space", "transnas101_micro", "--width", 2, "--size", 8, "--channels", 1, "--runtime", "torch")
    shown = call("cost", *asked, "--sample", 10, "--out", table, "--quiet")
    assert "10 architectures timed on " in shown
    assert "median error of" in shown
    with pytest.raises(ConfigurationError, match=r"made with space transnas101_micro \(here nasbench201\), width 2"):
        call(
            *("lock", "--source", "digits", "--out", tmp_path / "run", "--max-latency", "2ms"),
            *("--device-table", table, "--budget", "8 trainings", "--quiet"),
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("cost",),
            "give either a model, as in archlock cost runs/mine, or --space to calibrate this machine; got neit",
        ),
        (("cost", "runs/mine", "--space", "nasbench201"), "got both"),
        (("cost", "--space", "nasbench201"), "a calibration is written to a file; give --out"),
        (("cost", "runs/mine", "--out", "x.json"), "--out is for a calibration"),
        (("cost", "--space", "nasbench201", "--out", "x", "--module", "a:b"), "--module builds a model; a calibration"),
        (("cost", "nowhere"), "no model 'nowhere'"),
        (("lock", "--source", "digits", "--out", "x", "--max-latency", "2"), "a number without a unit is no time"),
        (("lock", "--source", "digits", "--out", "x", "--max-params", "300KB"), "'KB' is no multiple of a count"),
        (("lock", "--source", "digits", "--out", "x", "--runtime", "torch"), "there is no limit on latency"),
        (("lock", "--source", "digits", "--out", "x", "--max-params", "9"), "the smallest, nasbench201:000100, has 7"),
        (("evaluate", "--out", "x", "--paper", "--max-cost", "ms=3"), "published figures know no limits"),
        (("evaluate", "--out", "x", "--table", "t", "--max-cost", "ms"), "is written column=value, in the unit"),
        (("evaluate", "--out", "x", "--table", "t", "--max-cost", "ms=-3"), "the limit on ms is a number above 0"),
        (("evaluate", "--out", "x", "--table", "t", "--max-cost", "a=1", "--max-cost", "a=2"), "cost is limited once"),
    ],
)
def test_wrong_words_are_explained(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=said):
        call(*words)
    assert not (tmp_path / "x").exists()
