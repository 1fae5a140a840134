"""``archlock evaluate``: from a table in the library to rows, summary and page; wrong words."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archlock.cli.app import app
from archlock.cli.evaluate import tables_of_the_paper
from archlock.errors import ConfigurationError, TableError, UnknownNameError
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
    with pytest.raises(ConfigurationError, match=r"0\.97 of 100 hardly rules anything out: write 97 for that share"):
        call("--table", "made_up", "--floor", "0.97", *out)
    with pytest.raises(ConfigurationError, match="write 90 for that share of the table"):
        call("--table", "made_up", "--trade-off", "95,0.9", *out)


def test_architectures_without_truth_are_left_out_and_said_on_the_page(library: Path) -> None:
    table = made_up_table(codes=150)
    values = table.values.copy()
    values[[column.name for column in table.columns].index("t0_200"), ::3] = float("nan")
    save_table(replace(table, name="holes", values=values), replace=False, folder=None)
    words = ["--table", "holes", "--pairs", "t0:t1", "--schemes", "tk", "--seeds", "1", "--budget", "15+10"]
    call(*words, "--floor", "90", "--out", str(library / "eval"), "--workers", "1", "--no-patterns", "--quiet")
    record = json.loads((library / "eval" / "evaluation.json").read_text())
    assert record["table"]["architectures"] == 100
    assert record["notes"][0].startswith("50 of 150 architectures are left out, since they have no recorded value")
    assert "50 of 150 architectures are left out" in (library / "eval" / "report.html").read_text()


def test_a_table_of_one_row_is_refused_in_words(library: Path) -> None:
    save_table(replace(made_up_table(codes=1), name="one"), replace=False, folder=None)
    with pytest.raises(TableError, match="of 1 architectures of table 'one' 1 have recorded values"):
        call("--table", "one", "--out", str(library / "eval"))


def test_the_paper_without_a_table_is_every_table_with_published_figures(library: Path) -> None:
    out = ("--out", str(library / "paper"))
    with pytest.raises(ConfigurationError, match="--paper needs an imported table with published figures"):
        call("--paper", *out)
    made_up = made_up_table(tasks=2, codes=20)
    renamed = {"t0": "segmentsemantic", "t1": "class_scene"}
    columns = tuple(replace(column, task=renamed[column.task]) for column in made_up.columns)
    save_table(replace(made_up, name="scene", columns=columns), replace=False, folder=None)
    assert tables_of_the_paper(paper=True) == ["scene"]
