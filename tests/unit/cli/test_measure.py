import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app, main
from archlock.evidence import EvidenceStore
from foreign_models import FACTORY, weights_file

SMALL = ["--space", "transnas101_micro", "--task", "digits", "--width", "2", "--depth", "1", "--sample", "12"]


def test_measure_prints_stores_and_goes_on(tmp_path: Path) -> None:
    words = ["measure", *SMALL, "--proxies", "flops,snip", "--out", str(tmp_path / "store.sqlite"), "--workers", "2"]
    shown = CliRunner().invoke(app, [*words, "--csv", str(tmp_path / "values.csv")], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "12 architectures of transnas101_micro are" in shown.stdout
    assert len((tmp_path / "values.csv").read_text().splitlines()) == 13
    again = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert again["functions"] == len(EvidenceStore(tmp_path / "store.sqlite")) / 2
    assert [one["measure"] for one in again["tallies"]] == ["proxy.flops", "proxy.snip"]


def test_trainings_are_asked_for_by_their_epochs(tmp_path: Path) -> None:
    words = ["measure", *SMALL, "--proxies", "none", "--epochs", "1", "--examples", "64", "--side", "8", "--json"]
    told = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "store.sqlite")], catch_exceptions=False).stdout
    result = json.loads(told)
    assert [(one["measure"], one["valid"]) for one in result["tallies"]] == [("short_accuracy", result["functions"])]


def test_an_unknown_proxy_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["measure", *SMALL, "--proxies", "snap", "--out", str(tmp_path / "store.sqlite")])
    assert caught.value.code == 2
    assert "'snap'" in capsys.readouterr().err
    assert not (tmp_path / "store.sqlite").exists()


def state_words(tmp_path: Path) -> list[str]:
    weights = weights_file(tmp_path / "best.pt")
    return ["measure", "--state", "--model", str(weights), "--module", FACTORY, "--size", "8", "--source", "digits"]


def test_the_state_of_a_model_is_a_table_and_a_record(tmp_path: Path) -> None:
    words = [*state_words(tmp_path), "--examples", "100"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False).stdout.splitlines()
    assert [line.split()[0] for line in shown[:4]] == ["what", "0", "3", "head"]
    assert shown[4] == "100 images of 10 classes"
    assert shown[5].startswith("tunnel strength ")
    assert shown[6].startswith("spread of gradients over layers ")
    record = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert [layer["units"] for layer in record["layers"]] == [1, 6, 12]
    assert record["layers"][2]["effective_rank"] > 1
    assert 0 < record["tunnel"]["strength"] <= 1


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--out", "x"], "leave out --out, which measures a space"),
        (["--space", "nasbench201", "--task", "digits"], "leave out --space, --task, which measures a space"),
        (["--examples", "5"], "has 5 training images of 10 classes"),
    ],
)
def test_a_state_that_cannot_be_measured_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str], words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*state_words(tmp_path), *extra])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--model", "x"], ["--state", "--source", "digits"], ["--space", "nasbench201"], []])
def test_half_a_question_is_answered_with_the_whole(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["measure", *words])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert "--state, --model" in said
    assert "all three are needed" in said
