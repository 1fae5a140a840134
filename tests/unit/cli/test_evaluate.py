"""``archlock evaluate``: from a table in the library to rows, summary and page; wrong words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app
from archlock.cli.evaluate import tables_of_the_paper
from archlock.errors import ConfigurationError, UnknownNameError
from archlock.tables import save_table
from made_up_tables import made_up_table

RUNNER = CliRunner()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARCHLOCK_TABLES", str(tmp_path / "tables"))
    save_table(made_up_table(codes=150), replace=False, folder=None)
    return tmp_path


def call(*words: str) -> str:
    done = RUNNER.invoke(app, ["evaluate", *words], catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def test_a_table_is_evaluated_and_told_as_json(library: Path) -> None:
    words = ["--table", "made_up", "--pairs", "t0:t1", "--schemes", "tk", "--seeds", "2", "--budget", "15+10"]
    out = str(library / "eval")
    told = json.loads(call(*words, "--floor", "90", "--out", out, "--workers", "1", "--no-patterns", "--json"))
    assert [one["method"] for one in told["methods"]] == ["tk"]
    shown = call(*words, "--floor", "90", "--out", out, "--workers", "1", "--no-patterns", "--quiet")
    assert "2 seeds, source percentile at least 90" in " ".join(shown.split())
    assert (library / "eval" / "report.html").exists()


def test_any_preference_with_any_strategy(library: Path) -> None:
    words = ["--table", "made_up", "--pairs", "t0:t1", "--schemes", "tk", "--seeds", "1", "--budget", "30+10"]
    told = json.loads(
        call(
            *words,
            *("--preference", "ridge", "--strategy", "local_search", "--floor", "80", "--workers", "1"),
            *("--out", str(library / "eval"), "--no-patterns", "--json"),
        )
    )
    assert [one["method"] for one in told["methods"]] == ["ridge+local_search tk"]


def test_wrong_words_are_explained(library: Path) -> None:
    out = ("--out", str(library / "eval"))
    with pytest.raises(ConfigurationError, match="no table is named; give --table NAME"):
        call(*out)
    with pytest.raises(UnknownNameError, match="unknown method 'magic'; known: lock, zero_cost"):
        call("--table", "made_up", "--method", "magic", *out)
    with pytest.raises(ConfigurationError, match="floors are percentiles separated by commas"):
        call("--table", "made_up", "--trade-off", "high", *out)


def test_the_paper_without_a_table_is_every_table_with_published_figures(library: Path) -> None:
    out = ("--out", str(library / "paper"))
    with pytest.raises(ConfigurationError, match="--paper needs an imported table with published figures"):
        call("--paper", *out)
    made_up = made_up_table(tasks=2, codes=20)
    renamed = {"t0": "segmentsemantic", "t1": "class_scene"}
    columns = tuple(replace(column, task=renamed[column.task]) for column in made_up.columns)
    save_table(replace(made_up, name="scene", columns=columns), replace=False, folder=None)
    assert tables_of_the_paper(paper=True) == ["scene"]
