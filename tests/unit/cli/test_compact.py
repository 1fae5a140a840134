"""``archlock compact``: the same as from Python, in words or as JSON, and what goes wrong in one line."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from archlock.cli.app import app, main
from archlock.tasks import save_task
from small_compactions import digits, trained

QUICK = ["--epochs", "2", "--batch-size", "32", "--periods", "2", "--runtime", "torch", "--device", "cpu"]


def words(tmp_path: Path, *more: str) -> list[str]:
    torch.save(trained().state_dict(), tmp_path / "best.pt")
    save_task(digits(), tmp_path / "digits.npz")
    built = ["--module", "foreign_models:plain_network", "--size", "8", "--source", str(tmp_path / "digits.npz")]
    return ["compact", str(tmp_path / "best.pt"), *built, "--out", str(tmp_path / "small"), *QUICK, *more]


def test_it_says_what_is_left_and_where_and_as_json(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, words(tmp_path, "--keep", "60%", "--method", "magnitude", "--quiet"))
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("With 61.1% of its units (11 of 18 channels and heads that can go) the model ")
    assert [line.split("  ")[1] for line in lines[2:5]] == ["parameters", "MACs", "file of weights"]
    assert lines[-1] == f"model and report: {(tmp_path / 'small').resolve()}"
    again = CliRunner().invoke(app, words(tmp_path, "--keep", "60%", "--method", "magnitude", "--json"))
    assert json.loads(again.stdout) == json.loads((tmp_path / "small" / "compact.json").read_text())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--keep", "50"], "'50' is above what there is: write 50% for percent"),
        (["--keep", "0%"], "is not above 0% and below 100%"),
        (["--pruning-steps", "1"], "pruning_steps 1 cannot hold 2 periods"),
        (["--attacker", "nobody", "--target", "digits"], "unknown attacker 'nobody'; known: from_scratch"),
    ],
)
def test_what_goes_wrong_is_one_line(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words(tmp_path, *more))
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "small").exists()
