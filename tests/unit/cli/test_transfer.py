import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app, main
from archlock.tables import read_table
from archlock.tasks import save_task
from archlock.testing.small_tasks import small_digits

SMALL = ["--architectures", "2", "--width", "2", "--side", "8", "--source-epochs", "1", "--target-epochs", "1"]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    for name, labels in (("low", (0, 1, 2)), ("high", (3, 4))):
        task = replace(small_digits(train=40, validation=20, test=20, labels=labels), name=name)
        save_task(task, tmp_path / f"{name}.npz")
    ends = ["--source", str(tmp_path / "low.npz"), "--target", str(tmp_path / "high.npz")]
    return ["transfer", *ends, *SMALL, "--out", str(tmp_path / "mine.npz"), "--workers", "1"]


def test_transfer_writes_a_table_and_goes_on(tmp_path: Path, words: list[str]) -> None:
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert shown.exit_code == 0
    assert "2 architectures complete, 1 pairs of source and target" in shown.stdout
    again = json.loads(CliRunner().invoke(app, [*words, "--minutes", "0", "--json"], catch_exceptions=False).stdout)
    assert again["tasks"]["high"] == {"truth": 1, "judge": 1, "evidence": 2, "proxy": 0, "cost": 0, "repeat": 2}
    assert read_table(tmp_path / "mine.npz").pairs == (("low", "high"),)


def test_attackers_by_name(tmp_path: Path, words: list[str]) -> None:
    asked = ["--attacker", "linear_probe", "--attacker", "from_scratch", "--shots", "5", "--horizon", "1"]
    space = ["--space", "locking_macro", "--code", "11110222003", "--source-flip", "--source-clip", "1"]
    shown = CliRunner().invoke(app, [*words, *asked, *space], catch_exceptions=False)
    assert shown.exit_code == 0
    table = read_table(tmp_path / "mine.npz")
    assert (table.space_name, table.codes) == ("locking_macro", ("11110222003",))
    assert {"high_from_low_strongest_test", "high_from_low_linear_probe_test", "high_from_scratch_test"} <= {
        column.name for column in table.columns
    }
    assert (tmp_path / "mine-weights" / "low" / "11110222003-0.safetensors").exists()


def test_shots_without_attackers_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*words, "--shots", "5"])
    assert "shots are what attackers have to train on; name attackers" in capsys.readouterr().err


def test_data_that_are_not_there_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ends = ["--source", str(tmp_path / "nothing.npz"), "--target", "digits", "--out", str(tmp_path / "mine.npz")]
    with pytest.raises(SystemExit) as caught:
        main(["transfer", *ends])
    assert caught.value.code == 3
    assert "nothing.npz" in capsys.readouterr().err
    assert not (tmp_path / "mine.sqlite").exists()
