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


def test_data_that_are_not_there_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ends = ["--source", str(tmp_path / "nothing.npz"), "--target", "digits", "--out", str(tmp_path / "mine.npz")]
    with pytest.raises(SystemExit) as caught:
        main(["transfer", *ends])
    assert caught.value.code == 3
    assert "nothing.npz" in capsys.readouterr().err
    assert not (tmp_path / "mine.sqlite").exists()
