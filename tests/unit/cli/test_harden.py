"""``archlock harden``: the same as from Python, in words or as JSON, and what goes wrong in one line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app, main
from archlock.recipes.harden import procedure
from archlock.reports import SizeRecord
from foreign_models import FACTORY, weights_file

QUICK = [
    "--images", "12", "--steps", "2", "--adversary", "pgd", "--epochs", "2", "--workers", "1", "--device", "cpu",
]  # fmt: skip


def words(tmp_path: Path, *more: str) -> list[str]:
    weights = weights_file(tmp_path / "best.pt")
    built = ["--module", FACTORY, "--module-args", '{"classes": 10}', "--size", "8"]
    return ["harden", str(weights), *built, "--source", "digits", "--out", str(tmp_path / "hard"), *QUICK, *more]


@pytest.fixture(autouse=True)
def _ten_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of the network are of as many classes as the digits; nobody waits for clocks."""
    import foreign_models

    plain = foreign_models.plain_network
    monkeypatch.setattr(foreign_models, "plain_network", lambda classes=10, width=6: plain(classes, width))
    found = SizeRecord(file_bytes=1000, deflated_bytes=500, latency_ms=0.1)
    monkeypatch.setattr(procedure, "size", lambda model, shape: found)


def test_what_became_of_it_is_printed_and_the_page_can_be_made_again(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, words(tmp_path, "--sparsity", "0.5", "--json"), catch_exceptions=False)
    record = json.loads(shown.stdout)
    assert record == json.loads((tmp_path / "hard" / "hardening.json").read_text())
    assert (record["epsilon"], record["sparsity"], record["epochs"]) == (4 / 255, 0.5, [1, 1])
    assert "warning: Nothing was attacked: no target was given." in shown.stderr
    page = tmp_path / "hard" / "report.html"
    first = page.read_text()
    again = CliRunner().invoke(app, ["report", str(tmp_path / "hard")], catch_exceptions=False)
    assert again.stdout == f"report: {page}\n"
    assert page.read_text() == first


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--eps", "0"], "epsilon 0 leaves the adversary nothing to change"),
        (["--eps", "4"], "got 4; in grey levels of 0 to 255 write 4/255"),
        (["--eps", "2/255,4/255"], "a model is hardened against one epsilon"),
        (["--sparsity", "1.2"], "sparsity is the share of weights that become zero"),
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
    assert not (tmp_path / "hard").exists()
