import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app, main
from archlock.evidence import EvidenceStore

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
