"""The sentence of an evaluation: which method it is about, and when it may say that it is good."""

import pytest

from archlock.reports import Queries, summarise
from archlock.reports.evaluation_verdict import evaluation_verdict, featured, share_kept
from evaluation_records import METHODS, TASKS, evaluation, full_evaluation, row, scale, unhappy_evaluations

GOOD, WEAK = ("tu", 0.5, 1.0, Queries(short=9)), ("tu", 0.3, 1.0, Queries(short=9))
CHEAP, LOOKED = ("tu", 0.9, 0.4, Queries(short=9)), ("tu", 0.9, 1.0, Queries(target_full=9))


@pytest.mark.parametrize("better", [CHEAP, LOOKED], ids=["floor not kept", "looked at the target"])
def test_a_lower_target_does_not_win_by_breaking_a_rule(better: tuple[str, float, float, Queries]) -> None:
    record = full_evaluation(TASKS[:3], {"breaks": better, "weak": WEAK, "good": GOOD}, seeds=3)
    verdict = evaluation_verdict(record, summarise(record))
    assert [method.method for method in verdict.judged] == ["good"]
    assert verdict.kind == "held"
    assert "good is the best of 3 methods" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("one_run", "not_measurable"),
        ("one_pair", "held"),
        ("two_tasks", "not_measurable"),
        ("below_the_floor", "did_not_hold"),
        ("no_room", "did_not_hold"),
        ("floor_missed", "did_not_hold"),
        ("no_better", "partly"),
        ("looked", "did_not_hold"),
        ("baselines", "held"),
    ],
)
def test_the_kind_follows_from_interval_floor_and_looks(name: str, kind: str) -> None:
    record = unhappy_evaluations()[name]
    assert evaluation_verdict(record, summarise(record)).kind == kind


def test_worse_than_random_is_called_nothing() -> None:
    rows = [row(80.0 + seed, seed=seed) for seed in range(4)]
    record = evaluation(rows, [scale()])
    verdict = evaluation_verdict(record, summarise(record))
    assert verdict.kind == "did_not_hold"
    assert "takes nothing: its target percentile is 11.5 points above" in verdict.sentence


def test_a_method_that_skipped_pairs_is_named() -> None:
    scales = [scale("a", "b"), scale("b", "a")]
    record = evaluation([row(40.0, of=scales[0], seed=seed) for seed in range(3)], scales)
    assert "tu: not run on all pairs." in evaluation_verdict(record, summarise(record)).reasons


def test_the_crowded_picture_shows_one_method_of_each_sort() -> None:
    summary = summarise(full_evaluation(TASKS[:3], METHODS, seeds=2))
    assert [method.method for method in featured(summary)] == ["s", "tk", "tu", "nsga2"]


def test_a_share_is_never_rounded_up_to_all() -> None:
    assert [share_kept(share) for share in (1.0, 0.9999, 0.986, 0.5, 0.0)] == ["100%", "99.9%", "98.6%", "50%", "0%"]
    assert [share_kept(share) for share in (0.8999, 0.896, 0.9, 0.894)] == ["89.9%", "89.6%", "90%", "89%"]
