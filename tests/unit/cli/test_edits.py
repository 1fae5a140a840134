"""``archlock edits``: said in lines and as JSON, made, and opened by the other commands."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app
from archlock.errors import ConfigurationError
from archlock.recipes.limits import timing
from archlock.reports import AttackRecord, from_json
from edited_families import FAMILIES


def call(*words: Any) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


@pytest.fixture(scope="module")
def shortcuts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    kind = FAMILIES["shortcuts"]
    return (kind.write(tmp_path_factory.mktemp("cli") / "best"), "--module", kind.opening["factory"])


def test_groups_blocks_and_reasons_are_said(shortcuts: tuple[Any, ...]) -> None:
    lines = call("edits", *shortcuts, "--size", 16).splitlines()
    assert lines[0] == "best: 75,290 parameters, 3,060,352 MACs for one image of 3 x 16 x 16"
    assert lines[2] == "4 groups of 128 units"
    assert lines[4].split() == ["conv1", "16", "yes", "2,061", "135,946", "-"]
    assert "  layer1.0    yes       4,672  1,179,648          -" in lines
    assert "  layer3.0.conv2, 48 of 64 channels: it meets a padding of so many channels (layer3.0)" in lines
    told = json.loads(call("edits", *shortcuts, "--size", 16, "--json"))
    assert sum(group["units"] for group in told["groups"]) == 128
    assert all(group["exact"] and group["influence"] is None for group in told["groups"])


def test_a_smaller_model_is_written_and_the_other_commands_open_it(
    shortcuts: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "SECONDS_A_BLOCK", 0.001)
    small = tmp_path / "small"
    shown = call(
        "edits", *shortcuts, "--size", 16, "--narrow", "conv1=8", "--narrow", "layer3.0.conv1=0.5",
        "--drop", "layer1.0", "--out", small,
    )  # fmt: skip
    assert shown.splitlines()[0].startswith("parameters 75,290 -> ")
    cost = json.loads(call("cost", small, *shortcuts[1:], "--json", "--runtime", "torch"))
    assert f"-> {cost['parameters']:,}; MACs 3,060,352 -> {cost['macs']:,}" in shown
    assert cost["origin"].endswith("edited.json, edited (2 x narrow, 1 x drop)")
    call(
        "attack", small, *shortcuts[1:], "--target", "digits", "--out", tmp_path / "attack", "--attacker",
        "linear_probe", "--attack-seeds", 1, "--fractions", 100, "--examples", 40, "--workers", 1, "--device", "cpu",
        "--quiet",
    )  # fmt: skip
    record = from_json(tmp_path / "attack" / "result.json")
    assert isinstance(record, AttackRecord)
    assert record.models[0].parameters == cost["parameters"]
    assert [one.status for one in record.outcomes] == ["valid"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--drop", "layer1.0"], "which is written to --out; give --out as well"),
        (["--out", "somewhere"], "give one of them, or leave out --out to list what there is"),
        (["--narrow", "conv1", "--out", "somewhere"], "--narrow 'conv1' is not understood; write GROUP=KEEP"),
        (["--narrow", "conv1=many", "--out", "somewhere"], "--narrow 'conv1=many' is not understood"),
    ],
)
def test_what_is_not_understood_is_refused(words: list[str], said: str, shortcuts: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match=said):
        call("edits", *shortcuts, "--size", 16, *words)
    assert not Path("somewhere").exists()
