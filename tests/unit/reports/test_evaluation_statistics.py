"""Statistics of an evaluation: against numbers by hand, SciPy, and what must be true of any data."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archlock.records import canonical_json
from archlock.reports import Interval, Queries, summarise
from archlock.reports.evaluation_statistics import compare
from crossed import DESIGNS, MIXTURES, crossed
from evaluation_records import evaluation, full_evaluation, row, scale, unhappy_evaluations, value_at

ONE, OTHER = scale("a", "b", chance=70.0, floor=30.0), scale("b", "a", chance=90.0, floor=80.0)


def test_means_and_lock_scores_are_those_by_hand() -> None:
    """The second run misses the floor: its target percentile counts, but it takes nothing."""
    rows = [
        row(50.0, of=ONE, source_percentile=97.0, spent=Queries(short=4)),
        row(40.0, of=ONE, seed=1, source_percentile=96.0, spent=Queries(short=6, target_full=3)),
        row(88.0, of=OTHER, source_percentile=99.0, spent=Queries(short=5)),
    ]
    found = summarise(evaluation(rows, [ONE, OTHER])).method("tu")
    assert found.runs == 3
    assert found.scale.random_feasible == 80.0
    assert (found.scale.sources, found.scale.targets) == (2, 2)
    assert found.target_percentile.mean == pytest.approx((45 + 88) / 2)  # a pair counts once
    assert found.median_target_percentile == 50.0
    assert found.source_percentile == pytest.approx((96.5 + 99) / 2)
    assert found.kept == pytest.approx(2 / 3)
    assert found.taken_away.mean == pytest.approx(((70 - 50) / 2 + (90 - 88)) / 2)
    assert found.lock_score_of_means is not None
    assert found.lock_score_of_means.mean == pytest.approx(((20 + 0) / 2 + 2) / (40 + 10))
    assert found.mean_lock_score is not None
    assert found.mean_lock_score.mean == pytest.approx((10 / 40 + 2 / 10) / 2)
    assert found.unpenalised_lock_score == pytest.approx((80 - 66.5) / (80 - 55))
    assert found.queries == pytest.approx(
        {"proxy": 0, "short": 5, "source_full": 0, "target_full": 1, "surrogate_full": 0}
    )
    assert found.seconds == pytest.approx((0.5 + 0.6 + 0.5) / 3)


def test_a_missed_floor_takes_nothing_however_low_the_target_is() -> None:
    """Below the lowest that is possible at the floor: 1.5 if the floor did not count."""
    rows = [row(10.0, seed=seed, source_percentile=96.0) for seed in range(4)]
    assert {one.lock_score for one in rows} == {0.0}
    found = summarise(evaluation(rows, [scale()])).method("tu")
    for score in (found.lock_score_of_means, found.mean_lock_score):
        assert score == Interval(0.0, 0.0, 0.0)
    assert found.taken_away.mean == 0.0
    assert found.unpenalised_lock_score == 1.5
    assert found.target_percentile.mean == 10.0


def test_the_shortfall_is_in_percentile_points_and_in_units_of_the_source() -> None:
    rows = [row(50.0, seed=seed, source_percentile=percentile) for seed, percentile in enumerate((99.0, 96.5, 95.5))]
    (missed,) = summarise(evaluation(rows, [scale()])).method("tu").missed
    assert (missed.source, missed.runs, missed.missed, missed.unit, missed.noise) == ("a", 3, 2, "%", 0.2)
    assert missed.percentile == pytest.approx(1.0)
    assert missed.value == pytest.approx(value_at(97.0) - value_at(96.0))
    assert summarise(evaluation(rows[:1], [scale()])).method("tu").missed == ()


def test_one_pair_has_the_t_interval_over_its_seeds() -> None:
    values = np.random.default_rng(1).uniform(30, 70, 12)
    record = evaluation([row(float(value), seed=seed) for seed, value in enumerate(values)], [scale()])
    found = summarise(record).methods[0].target_percentile
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        stats.t.interval(0.95, 11, loc=values.mean(), scale=stats.sem(values))
    )


@pytest.mark.parametrize(("design", "rounds"), [("7 tasks", 40), ("3 tasks", 120), ("3 sources, 4 targets", 90)])
def test_intervals_hold_the_truth_as_often_as_they_say(design: str, rounds: int) -> None:
    """Whole evaluations with crossed effects of tasks, whose truth is 50; a bootstrap over pairs holds half of them."""
    rng = np.random.default_rng(11)
    pairs = DESIGNS[design]
    scales = [scale(source, target, chance=70.0, floor=5.0) for source, target in pairs]
    held = {"target_percentile": 0, "lock_score_of_means": 0}
    for _ in range(rounds):
        values = 50 + 4 * crossed(pairs, MIXTURES["tasks"], seeds=3, rng=rng)
        rows = [
            row(float(value), of=of, seed=seed)
            for of, by_seed in zip(scales, values, strict=True)
            for seed, value in enumerate(by_seed)
        ]
        (found,) = summarise(evaluation(rows, scales)).methods
        for name, truth in (("target_percentile", 50.0), ("lock_score_of_means", 20 / 65)):
            interval = getattr(found, name)
            held[name] += interval.low <= truth <= interval.high
    assert min(held.values()) / rounds >= 0.90


def test_a_difference_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(12)
    pairs = DESIGNS["7 tasks"]
    scales = [scale(source, target, floor=5.0) for source, target in pairs]
    held = 0
    for _ in range(60):
        gained = crossed(pairs, MIXTURES["tasks"], seeds=2, rng=rng)
        rows = [
            replace(row(float(45 + extra), of=of, seed=seed, method=method), strategy=method)
            for of, by_seed in zip(scales, gained, strict=True)
            for seed, value in enumerate(by_seed)
            for method, extra in (("tu", value), ("x", 0.0))
        ]
        found = compare(evaluation(rows, scales), "tu", "x")
        assert found is not None
        held += found.difference.low <= 0 <= found.difference.high
    assert held / 60 >= 0.90


def test_seeds_that_move_all_pairs_count() -> None:
    """Where nothing but the seed differs, the jackknife over tasks alone would be of width 0."""
    scales = [scale(*ends) for ends in DESIGNS["3 tasks"]]
    rows = [row(50.0 + 2 * seed, of=of, seed=seed) for of in scales for seed in range(3)]
    found = summarise(evaluation(rows, scales)).methods[0].target_percentile
    assert found.high == pytest.approx(52 + stats.sem([0, 2, 4]) * stats.t.ppf(0.975, 2))


def test_intervals_end_where_the_figures_end() -> None:
    scales = [scale(*ends, chance=70.0, floor=2.0) for ends in DESIGNS["3 tasks"]]
    rows = [row(found, of=of) for of, found in zip(scales, (2.0, 60.0, 3.0, 70.0, 5.0, 30.0), strict=True)]
    found = summarise(evaluation(rows, scales)).methods[0]
    assert found.target_percentile.low == 0.0
    for score in (found.lock_score_of_means, found.mean_lock_score):
        assert score is not None
        assert score.high == 1.0


def test_the_scale_stays_with_its_pair() -> None:
    """Where every pair reaches exactly half of its room, leaving some out changes nothing."""
    pairs = DESIGNS["3 tasks"]
    scales = [scale(*ends, chance=60.0 + 5 * place, floor=10.0 * place) for place, ends in enumerate(pairs)]
    rows = [row((pair.random_feasible + pair.tk_floor) / 2, of=pair) for pair in scales]
    found = summarise(evaluation(rows, scales)).methods[0]
    for score in (found.lock_score_of_means, found.mean_lock_score):
        assert score is not None
        assert (score.mean, score.low, score.high) == pytest.approx((0.5, 0.5, 0.5))
    assert found.target_percentile.high is not None
    assert found.target_percentile.high > found.target_percentile.mean + 1


def test_there_is_no_interval_without_enough_seeds_or_tasks() -> None:
    for count, has_one in ((1, False), (2, False), (3, True)):
        record = evaluation([row(50.0 + seed, seed=seed) for seed in range(count)], [scale()])
        assert (summarise(record).methods[0].target_percentile.low is not None) == has_one
    two = [scale("a", "b"), scale("b", "a")]
    one_source = [scale("a", target) for target in "bcdef"]
    for scales in (two, one_source):
        record = evaluation([row(50.0 + seed, of=of, seed=seed) for of in scales for seed in range(5)], scales)
        (found,) = summarise(record).methods
        for interval in (found.target_percentile, found.taken_away, found.lock_score_of_means, found.mean_lock_score):
            assert interval is not None
            assert (interval.low, interval.high) == (None, None)


def test_where_nothing_can_be_locked_there_is_no_lock_score() -> None:
    nothing = summarise(unhappy_evaluations()["no_room"]).methods[0]
    assert (nothing.lock_score_of_means, nothing.mean_lock_score) == (None, None)
    alike = scale("b", "a", chance=50.0, floor=50.0)
    half = summarise(evaluation([row(50.0, of=ONE), row(50.0, of=alike)], [ONE, alike])).methods[0]
    assert half.mean_lock_score is not None
    assert half.mean_lock_score.mean == 0.5


def test_a_difference_is_paired_by_pair_and_seed() -> None:
    """The second method is always 2 lower; chance between pairs and seeds cancels out. An unshared run is left out."""
    rng = np.random.default_rng(4)
    scales = [scale(*ends, floor=0.0) for ends in DESIGNS["3 tasks"]]
    rows = [row(float(rng.uniform(20, 60)), of=pair, seed=seed) for pair in scales for seed in range(3)]
    lower = [replace(row(one.target_percentile - 2.0, method="x", seed=one.seed, of=pair), strategy="other")
             for one, pair in zip(rows, [pair for pair in scales for _ in range(3)], strict=True)]  # fmt: skip
    extra = row(99.0, of=scales[0], seed=9)
    record = evaluation([*rows, extra, *lower], scales)
    found = compare(record, "tu", "x")
    assert found is not None
    assert (found.pairs, found.runs) == (6, 18)
    assert (found.difference.mean, found.difference.low, found.difference.high) == pytest.approx((2.0, 2.0, 2.0))
    assert summarise(record).differences == (found,)


def test_methods_that_share_no_run_are_not_compared() -> None:
    rows = [row(50.0, seed=0), row(40.0, seed=1, method="x")]
    assert summarise(evaluation(rows, [scale()])).differences == ()


def test_the_same_record_gives_the_same_numbers() -> None:
    record = full_evaluation(seeds=2)
    assert canonical_json(summarise(record)) == canonical_json(summarise(record))


def test_every_method_has_a_line_of_its_own_and_one_per_pair() -> None:
    record = full_evaluation(seeds=2)
    found = summarise(record)
    assert [line.method for line in found.methods] == list(record.methods)
    assert {(line.method, line.pair) for line in found.by_pair} == {(row.method, row.pair) for row in record.rows}
    assert len(found.differences) == len(record.methods) * (len(record.methods) - 1) / 2
    for line in found.methods:
        interval = line.target_percentile
        assert interval.low is not None
        assert interval.high is not None
        assert interval.low < interval.mean < interval.high
