"""An evaluation over a made-up table: rows, scale, resume, and independence of the number of workers."""

import re
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest

from archlock.errors import ConfigurationError, RunError
from archlock.progress import Progress
from archlock.recipes import EvaluateConfig, chosen_contenders, evaluate, parse_budget
from archlock.recipes.evaluate.procedure import APART, FLATTERING, FROM_SCRATCH, FROM_WEIGHTS, NOISY, begun, how_judged
from archlock.recipes.evaluate.scales import chosen_pairs, floor_values, limits, pair_scales
from archlock.recipes.pages import rebuild
from archlock.records import read_json
from archlock.reports import evaluation_from_json
from archlock.tables import Allowance, RecordedColumn, Table, open_by_name_or_path, percentiles
from made_up_tables import made_up_table


class Log(Progress):
    """What was said and begun, in order."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.events: list[str] = []

    def begin(self, stage: str, total: int, done: int = 0) -> None:
        self.events.append(stage)

    def advance(self, steps: int = 1, note: str = "") -> None:
        pass

    def say(self, line: str) -> None:
        self.said.append(line)
        self.events.append(line)


def tiny(**changes: object) -> EvaluateConfig:
    given = {"contenders": chosen_contenders(("s", "tk", "tu"), allowance=Allowance(15, 10)), "seeds": 2, "floor": 0.9}
    return EvaluateConfig(**{"patterns": False, **given, **changes})


def test_rows_summary_and_page_are_written(tmp_path: Path) -> None:
    table = made_up_table(codes=150)
    found = evaluate(table, tiny(pairs="t0:t1,t1:t0", trade_off=(0.8,), trade_off_seeds=1), out=tmp_path, workers=1)
    assert len(found.record.rows) == 3 * 2 * 2
    assert evaluation_from_json(tmp_path / "evaluation.json") == found.record
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 13
    assert {one["method"] for one in read_json(tmp_path / "summary.json")["methods"]} == {"s", "tk", "tu"}
    assert {point.floor for point in found.record.trade_off} == {80, 90}
    assert all(row.queries.target_full == 0 for row in found.record.rows if row.scheme != "tk")
    before = (tmp_path / "report.html").read_text()
    assert rebuild(tmp_path).read_text() == before
    row = found.record.rows[0]
    position = table.positions[row.architecture]
    assert row.source_percentile == percentiles(table.scores(table.truth(row.source)))[position]
    assert row.target_value == table.scores(table.truth(row.target))[position]


def test_what_keeps_the_floor_is_what_brute_force_says() -> None:
    table = made_up_table(codes=300)
    (found,) = floor_values(table, ("t0", "t0"), 0.8)
    scores = table.scores(table.judge("t0"))
    feasible = [row for row in range(300) if percentiles(scores)[row] >= 80]
    assert found.value == min(scores[row] for row in feasible)
    classes = {table.space.canonicalise(table.architectures[row]).code for row in feasible}
    assert found.different == len(classes) <= len(feasible)
    assert (found.source, found.metric) == ("t0", table.judge("t0").metric)


def test_a_run_that_misses_the_floor_scores_nothing(tmp_path: Path) -> None:
    """Size alone knows nothing of this floor; what it takes from the target is not counted."""
    table = made_up_table(codes=200)
    contenders = chosen_contenders(("tu",), ("params", "random_finalists"), allowance=Allowance(15, 10))
    record = evaluate(table, tiny(contenders=contenders, seeds=3), out=tmp_path, workers=1).record
    missed = [row for row in record.rows if row.source_percentile < 90]
    assert missed
    assert {row.lock_score for row in missed} == {0.0}
    least = {floor.source: floor.value for floor in record.floors}
    assert all(row.source_value < least[row.source] for row in missed)
    assert all(row.source_value >= least[row.source] for row in record.rows if row not in missed)


def test_a_table_that_is_too_small_says_so_before_anything_runs(tmp_path: Path) -> None:
    table = made_up_table(codes=150)
    log = Log()
    found = evaluate(table, tiny(pairs="t0:t1", seeds=1, trade_off=(0.5,), trade_off_seeds=1), out=tmp_path,
                     workers=1, progress=log)  # fmt: skip
    few, unsure = log.said[:2]
    assert log.events.index("runs on recorded tables") == 2
    assert re.match(r"The source floor at percentile 90 is kept by few different architectures \(\d+ on t0;", few)
    assert "allowance of s, tk, tu: 25 trainings on the source estimate the share above it (10 %)" in unsure
    assert found.record.notes[:2] == (few, unsure)
    assert escape(few, quote=False) in (tmp_path / "report.html").read_text()
    assert not [text for text in log.said if "percentile 50" in text]


def test_rows_do_not_depend_on_workers_and_a_killed_evaluation_goes_on(tmp_path: Path) -> None:
    table = made_up_table(codes=150)
    config = tiny(pairs="t0:t1,t1:t2")
    alone = evaluate(table, config, out=tmp_path / "alone", workers=1)
    parts = sorted((tmp_path / "alone" / "parts").iterdir())
    kept = parts[0].stat().st_mtime_ns
    parts[1].unlink()
    again = evaluate(table, config, out=tmp_path / "alone", workers=2)
    assert parts[0].stat().st_mtime_ns == kept
    assert [(r.method, r.pair, r.seed, r.architecture) for r in alone.record.rows] == [
        (r.method, r.pair, r.seed, r.architecture) for r in again.record.rows
    ]
    parts[2].write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        evaluate(table, config, out=tmp_path / "alone", workers=1)


def test_the_scale_is_what_brute_force_says() -> None:
    table = made_up_table(codes=200)
    (scale,) = pair_scales(table, (("t0", "t1"),), 0.9)
    standing = {task: percentiles(table.scores(table.truth(task))) for task in table.tasks}
    feasible = [row for row in range(200) if standing["t0"][row] >= 90]
    assert scale.feasible == len(feasible)
    assert scale.tk_floor == min(standing["t1"][row] for row in feasible)
    assert np.isclose(scale.random_feasible, np.mean([standing["t1"][row] for row in feasible]))
    everywhere = [standing["t1"][row] + standing["t2"][row] for row in feasible]
    assert scale.tu_possible == standing["t1"][feasible[int(np.argmin(everywhere))]]
    assert scale.best_source == standing["t1"][int(np.argmax(standing["t0"]))]
    low, high = limits(table, (("t0", "t1"),), (0.9, 0.5))
    assert low.floor == 50
    assert low.tk_floor <= high.tk_floor == scale.tk_floor


def test_pairs_budgets_and_schemes_are_checked() -> None:
    table = made_up_table(codes=50)
    assert len(chosen_pairs(table, "all")) == 6
    with pytest.raises(ConfigurationError, match="got 't0:t9', and the tasks are t0, t1, t2"):
        chosen_pairs(table, "t0:t1,t0:t9")
    assert parse_budget("150+40") == Allowance(150, 40)
    assert parse_budget("20") == Allowance(20, 0)
    with pytest.raises(ConfigurationError, match="150\\+40; got 'many'"):
        parse_budget("many")
    with pytest.raises(ConfigurationError, match="schemes are s, tk, tu"):
        chosen_contenders(("tx",))
    with pytest.raises(ConfigurationError, match="different labels; got s, s"):
        tiny(contenders=chosen_contenders(("s",)) * 2)
    with pytest.raises(ConfigurationError, match="a source floor is a share"):
        tiny(floor=97)


def test_the_page_says_once_and_rightly_where_trainings_began(tmp_path: Path) -> None:
    table, plain = open_by_name_or_path("transfer201"), made_up_table(codes=20)
    assert begun(table, table.pairs) == (FROM_WEIGHTS,)
    assert begun(plain, plain.pairs) == (FROM_SCRATCH,)
    codes = table.codes[:9]
    truths = [("a", ""), ("b", ""), ("b", "a")]
    columns = tuple(
        RecordedColumn(f"{task}{start}", task, "truth", "accuracy", "test", start=start) for task, start in truths
    )
    mixed = Table("mixed", "nasbench201", codes, columns, np.random.default_rng(0).random((3, 9)), table.provenance)
    assert begun(mixed, mixed.pairs)[0].startswith("On the targets of 1 of the 2 pairs the table records fine-tuning")
    first = table.pairs[0]
    small = tiny(contenders=chosen_contenders(("s",), allowance=Allowance(15, 10)), pairs=":".join(first), seeds=1)
    found = evaluate(table, small, out=tmp_path, workers=1)
    page = (tmp_path / "report.html").read_text()
    assert "the table records fine-tuning of weights" in page
    assert "trainings from scratch" not in page
    assert found.record.notes.count(FROM_WEIGHTS) == 1
    assert APART.format(tasks=", ".join(first)) in found.record.notes


def test_the_page_says_how_far_apart_choosing_and_judging_are(tmp_path: Path) -> None:
    plain = made_up_table(codes=60)
    t0, t1, _ = (column for column in plain.columns if column.role == "truth")
    columns = [replace(t0, noise=0.5) if column == t0 else column for column in plain.columns]
    judge = replace(t1, name="t1_judge", role="judge")
    values = np.vstack([plain.values, plain.recorded(t1) + 1])
    table = Table("mixed", plain.space_name, plain.codes, (*columns, judge), values, plain.provenance)
    notes = (APART.format(tasks="t1"), NOISY.format(tasks="t0"), FLATTERING.format(tasks="t2"))
    assert how_judged(table, table.pairs) == notes
    assert how_judged(table, (("t0", "t1"),)) == notes[:2]
    assert how_judged(plain, plain.pairs) == (FLATTERING.format(tasks="t0, t1, t2"),)
    contenders = chosen_contenders(("s",), allowance=Allowance(15, 10))
    found = evaluate(table, tiny(contenders=contenders, pairs="t0:t1", seeds=1), out=tmp_path, workers=1)
    assert escape(NOISY.format(tasks="t0"), quote=False) in (tmp_path / "report.html").read_text()
    (row,) = found.record.rows
    place = table.positions[row.architecture]
    assert row.source_value == table.recorded(table.judge("t0"))[place], "judged without the noise"
    assert row.target_value == table.recorded(table.column("t1_judge"))[place]


def test_a_limit_on_a_recorded_cost_is_kept_by_every_row(tmp_path: Path) -> None:
    table = made_up_table(codes=150)
    column = RecordedColumn("pi5_latency", "", "cost", "latency", unit="ms", higher_is_better=False)
    milliseconds = np.arange(150.0) % 10
    milliseconds[::7] = np.nan
    table = replace(table, columns=(*table.columns, column), values=np.vstack([table.values, milliseconds]))
    config = tiny(pairs="t0:t1", max_costs=(("pi5_latency", 5.0),), floor=0.8)
    found = evaluate(table, config, out=tmp_path, workers=1)
    kept = {code for code, value in zip(table.codes, milliseconds, strict=True) if value <= 5}
    assert {row.architecture for row in found.record.rows} <= kept
    assert found.record.table.architectures == len(kept)
    assert found.record.notes[0].startswith(
        f"{len(kept)} of 150 architectures keep pi5_latency of at most 5 ms; 22 have"
    )
    with pytest.raises(ConfigurationError, match=r"the limit on pi5_latency is a number above 0; got 0.0"):
        tiny(max_costs=(("pi5_latency", 0.0),))
