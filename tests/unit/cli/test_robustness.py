"""``archlock robustness``: the same as from Python, in words or as JSON, and what goes wrong in one line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app, main
from foreign_models import FACTORY, weights_file

QUICK = ["--images", "12", "--steps", "2", "--queries", "3", "--workers", "1", "--device", "cpu"]


def words(tmp_path: Path, *more: str) -> list[str]:
    weights = weights_file(tmp_path / "best.pt")
    built = ["--module", FACTORY, "--module-args", '{"classes": 10}', "--size", "8"]
    return ["robustness", str(weights), *built, "--source", "digits", "--out", str(tmp_path / "rob"), *QUICK, *more]


@pytest.fixture(autouse=True)
def _ten_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of the network are of as many classes as the digits."""
    import foreign_models

    plain = foreign_models.plain_network
    monkeypatch.setattr(foreign_models, "plain_network", lambda classes=10, width=6: plain(classes, width))


def test_the_table_is_printed_and_the_report_named(tmp_path: Path) -> None:
    asked = words(tmp_path, "--eps", "0,8/255", "--adversary", "fgsm,square", "--quiet")
    shown = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("best: ")
    assert [line.split()[0] for line in lines[2:5]] == ["fgsm", "square", "worst"]
    assert lines[-1] == f"report: {tmp_path / 'rob' / 'report.html'}"
    again = CliRunner().invoke(app, ["report", str(tmp_path / "rob")], catch_exceptions=False)
    assert again.stdout == f"{lines[-1]}\n"


def test_the_record_is_printed_as_json(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, words(tmp_path, "--adversary", "pgd", "--json"), catch_exceptions=False)
    record = json.loads(shown.stdout)
    assert record == json.loads((tmp_path / "rob" / "robustness.json").read_text())
    assert record["epsilons"] == [2 / 255, 4 / 255, 8 / 255]
    assert [one["name"] for one in record["adversaries"]] == ["pgd"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--eps", "8"], "got 8; in grey levels of 0 to 255 write 8/255"),
        (["--eps", "-1/255"], "epsilon is a finite number from 0 on"),
        (["--eps", "nan"], "epsilons 'nan' are not understood"),
        (["--adversary", "surgery"], "unknown adversary 'surgery'; known: fgsm, pgd, apgd, square"),
    ],
)
def test_what_goes_wrong_is_one_line(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words(tmp_path, *more))
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "rob").exists()
