"""Statistics of an evaluation: against numbers by hand, SciPy, and what must be true of any data."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archlock.records import canonical_json
from archlock.reports import Queries, summarise
from archlock.reports.evaluation_statistics import compare, resampled, signed_rank
from evaluation_records import evaluation, full_evaluation, row, scale, unhappy_evaluations

ONE, OTHER = scale("a", "b", chance=70.0, floor=30.0), scale("b", "a", chance=90.0, floor=80.0)


def test_means_and_lock_scores_are_those_by_hand() -> None:
    rows = [
        row(50.0, of=ONE, source_percentile=97.0, spent=Queries(short=4)),
        row(40.0, of=ONE, seed=1, source_percentile=96.0, spent=Queries(short=6, target_full=3)),
        row(88.0, of=OTHER, source_percentile=99.0, spent=Queries(short=5)),
    ]
    found = summarise(evaluation(rows, [ONE, OTHER])).method("tu")
    assert found.runs == 3
    assert found.scale.random_feasible == 80.0
    assert found.target_percentile.mean == pytest.approx((45 + 88) / 2)  # a pair counts once
    assert found.median_target_percentile == 50.0
    assert found.source_percentile == pytest.approx((96.5 + 99) / 2)
    assert found.kept == pytest.approx(2 / 3)
    assert found.taken_away.mean == pytest.approx(80 - 66.5)
    assert found.lock_score_of_means is not None
    assert found.lock_score_of_means.mean == pytest.approx((80 - 66.5) / (80 - 55))
    assert found.mean_lock_score is not None
    assert found.mean_lock_score.mean == pytest.approx((25 / 40 + 2 / 10) / 2)
    assert found.queries == pytest.approx(
        {"proxy": 0, "short": 5, "source_full": 0, "target_full": 1, "surrogate_full": 0}
    )
    assert found.seconds == pytest.approx((0.5 + 0.6 + 0.5) / 3)


def test_one_pair_is_the_percentile_bootstrap_of_scipy() -> None:
    values = np.random.default_rng(1).uniform(30, 70, 12)
    record = evaluation([row(float(value), seed=seed) for seed, value in enumerate(values)], [scale()])
    found = summarise(record, resamples=20_000).methods[0].target_percentile
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.25)
    assert abs(expected.high - expected.low) > 10


def test_pairs_with_one_seed_are_the_percentile_bootstrap_over_pairs() -> None:
    scales = [scale(source, "t") for source in "abcdefghij"]
    values = np.random.default_rng(2).uniform(30, 70, len(scales))
    record = evaluation([row(float(v), of=pair) for v, pair in zip(values, scales, strict=True)], scales)
    found = summarise(record, resamples=20_000).methods[0].target_percentile
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=2).confidence_interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.3)


def test_the_hierarchical_bootstrap_has_the_variance_of_both_levels() -> None:
    """With replacement on both levels: (variance between + mean variance within / size) / number of groups."""
    groups = [np.random.default_rng(place).normal(place, 3, 6) for place in range(5)]
    drawn, means = resampled(groups, resamples=40_000, seed=0, label="x")
    between = np.var([group.mean() for group in groups])
    within = np.mean([np.var(group) for group in groups]) / 6
    assert means.mean(axis=1).var() == pytest.approx((between + within) / 5, rel=0.03)
    assert np.bincount(drawn.ravel()) / drawn.size == pytest.approx([0.2] * 5, abs=0.01)


def test_groups_of_different_size_stay_apart() -> None:
    drawn, means = resampled([np.array([1.0]), np.array([10.0, 10.0, 10.0])], resamples=500, seed=0, label="x")
    assert (means == np.where(drawn == 0, 1.0, 10.0)).all()


def test_the_scale_travels_with_its_pair() -> None:
    """Where every pair reaches exactly half of its room, no resample can say anything else."""
    scales = [scale(source, "t", chance=60.0 + 5 * place, floor=10.0 * place) for place, source in enumerate("abcd")]
    rows = [row((pair.random_feasible + pair.tk_floor) / 2, of=pair) for pair in scales]
    found = summarise(evaluation(rows, scales)).methods[0]
    for score in (found.lock_score_of_means, found.mean_lock_score):
        assert score is not None
        assert (score.mean, score.low, score.high) == pytest.approx((0.5, 0.5, 0.5))
    assert found.target_percentile.high is not None
    assert found.target_percentile.high > found.target_percentile.mean + 1


def test_there_is_no_interval_without_something_to_draw_from() -> None:
    for count, has_one in ((1, False), (2, False), (3, True)):
        record = evaluation([row(50.0 + seed, seed=seed) for seed in range(count)], [scale()])
        assert (summarise(record).methods[0].target_percentile.low is not None) == has_one


def test_where_nothing_can_be_locked_there_is_no_lock_score() -> None:
    nothing = summarise(unhappy_evaluations()["no_room"]).methods[0]
    assert (nothing.lock_score_of_means, nothing.mean_lock_score) == (None, None)
    alike = scale("b", "a", chance=50.0, floor=50.0)
    half = summarise(evaluation([row(50.0, of=ONE), row(50.0, of=alike)], [ONE, alike])).methods[0]
    assert half.mean_lock_score is not None
    assert (half.mean_lock_score.mean, half.mean_lock_score.low) == pytest.approx((0.5, 0.5))


def test_a_difference_is_paired_by_pair_and_seed() -> None:
    """The second method is always 2 lower; chance between pairs and seeds cancels out. An unshared run is left out."""
    rng = np.random.default_rng(4)
    scales = [scale(source, "t", floor=0.0) for source in "abcdef"]
    rows = [row(float(rng.uniform(20, 60)), of=pair, seed=seed) for pair in scales for seed in range(3)]
    lower = [replace(row(one.target_percentile - 2.0, method="x", seed=one.seed, of=pair), strategy="other")
             for one, pair in zip(rows, [pair for pair in scales for _ in range(3)], strict=True)]  # fmt: skip
    extra = row(99.0, of=scales[0], seed=9)
    record = evaluation([*rows, extra, *lower], scales)
    found = compare(record, "tu", "x")
    assert found is not None
    assert (found.pairs, found.runs) == (6, 18)
    assert (found.difference.mean, found.difference.low, found.difference.high) == pytest.approx((2.0, 2.0, 2.0))
    assert found.p_value == pytest.approx(2 / 2**6)
    assert summarise(record).differences == (found,)


def test_methods_that_share_no_run_are_not_compared() -> None:
    rows = [row(50.0, seed=0), row(40.0, seed=1, method="x")]
    assert summarise(evaluation(rows, [scale()])).differences == ()


def test_signed_ranks_are_those_of_scipy_without_zeros() -> None:
    values = np.array([1.0, -2.0, 3.5, 0.0, 4.25, 5.125, -0.5, 6.0, 0.0])
    assert signed_rank(values) == pytest.approx(stats.wilcoxon(values[values != 0], method="exact").pvalue)
    assert signed_rank(np.zeros(4)) is None


def test_the_same_record_gives_the_same_numbers() -> None:
    record = full_evaluation(seeds=2)
    assert canonical_json(summarise(record)) == canonical_json(summarise(record))
    assert summarise(record, seed=1) != summarise(record)


def test_every_method_has_a_line_of_its_own_and_one_per_pair() -> None:
    record = full_evaluation(seeds=2)
    found = summarise(record, resamples=200)
    assert [line.method for line in found.methods] == list(record.methods)
    assert {(line.method, line.pair) for line in found.by_pair} == {(row.method, row.pair) for row in record.rows}
    assert len(found.differences) == len(record.methods) * (len(record.methods) - 1) / 2
    for line in found.methods:
        interval = line.target_percentile
        assert interval.low is not None
        assert interval.high is not None
        assert interval.low < interval.mean < interval.high
