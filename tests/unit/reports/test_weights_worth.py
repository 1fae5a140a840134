"""What a model is worth to an attacker, against values worked out by hand."""

from dataclasses import replace

import pytest
from scipy import stats

from archlock.reports import LockRecord, OutcomeRecord, Role, render_html
from archlock.reports.measures import worth_groups
from archlock.reports.tables import outcome_groups
from archlock.reports.weights_worth import worths
from report_records import lock_record, target

SCORES = {
    ("from_scratch", "source_only"): (0.50, 0.52, 0.51),
    ("from_scratch", "locked"): (0.45, 0.44, 0.46),
    ("linear_probe", "source_only"): (0.60, 0.30, 0.30),
    ("linear_probe", "locked"): (0.30, 0.30, 0.30),
    ("fine_tune", "source_only"): (0.55, 0.58, 0.57),
    ("fine_tune", "locked"): (0.40, 0.42, 0.41),
    ("ordinary", "source_only"): (0.56, 0.56, 0.55),
    ("ordinary", "locked"): (0.56, 0.56, 0.55),
}
"""Validation and test alike, by seed."""


def record(scores: dict[tuple[str, Role], tuple[float, ...]] = SCORES, kind: str = "classification") -> LockRecord:  # type: ignore[assignment]
    outcomes = tuple(
        OutcomeRecord(
            defended=role,
            target="letters",
            attacker=attacker,
            fraction=fraction,
            seed=seed,
            validation=score,
            test=score,
        )
        for (attacker, role), by_seed in scores.items()
        for fraction in (0.1, 1.0)
        for seed, score in enumerate(by_seed)
    )
    goal = replace(target("letters", 26), kind=kind)  # type: ignore[arg-type]
    return replace(lock_record(), targets=(goal,), outcomes=outcomes)


def test_gains_by_hand() -> None:
    scratch, ordinary = worths(record())
    assert (scratch.baseline, ordinary.baseline) == ("from_scratch", "ordinary")
    assert scratch.terms.fraction == ordinary.terms.fraction == 1.0
    # the probe is the strongest on the source-only model with the first seed; fine-tuning else
    assert scratch.gains["source_only"] == pytest.approx((0.10, 0.06, 0.06))
    assert scratch.gains["locked"] == pytest.approx((-0.05, -0.02, -0.05)), (
        "weights that hinder are worth less than none"
    )
    # with no model at all in hand, from scratch is one of the attacks
    assert ordinary.gains["locked"] == pytest.approx((-0.11, -0.12, -0.09))
    low, high = stats.ttest_1samp(ordinary.gains["locked"], 0).confidence_interval(0.95)
    found = ordinary.estimate("locked")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_the_strongest_attack_is_chosen_by_its_validation_score() -> None:
    made = record()
    spoiled = replace(
        made,
        outcomes=tuple(
            replace(one, validation=0.9) if (one.attacker, one.seed) == ("linear_probe", 1) else one
            for one in made.outcomes
        ),
    )
    scratch = worths(spoiled)[0]
    assert scratch.gains["source_only"] == pytest.approx((0.10, 0.30 - 0.52, 0.06)), "fine-tuning tests better, unseen"


def test_baselines_that_did_not_run_are_not_compared_with() -> None:
    without = {key: value for key, value in SCORES.items() if key[0] not in {"from_scratch", "ordinary"}}
    assert worths(record(without)) == ()
    only = {key: value for key, value in SCORES.items() if key[0] in {"from_scratch", "ordinary"}}
    assert [worth.baseline for worth in worths(record(only))] == ["ordinary"]


def test_less_than_the_mean_answer_counts_as_the_mean_answer() -> None:
    dense = {("from_scratch", "locked"): (-0.5,), ("fine_tune", "locked"): (0.2,)}
    (worth,) = worths(record(dense, "dense"))
    assert worth.gains == {"locked": (pytest.approx(0.2),)}


def test_the_page_of_a_pair_says_it() -> None:
    found = record()
    (group,) = worth_groups(found)
    assert [row.name for row in group.rows] == [
        "Best without the model, with 10%",
        "Best without the model, with 100%",
        "Mean over the logarithm of the data",
        "From scratch (100%)",
        "Ordinary network, from scratch (100%)",
    ]
    assert group.rows[3].cells == ("7.3 (1.6 to 13.1)", "\u22124.0 (\u22128.3 to 0.3)")
    assert group.said in render_html(found).replace("&#39;", "'")
    assert "What the model is worth to them" in render_html(found)


def test_an_ordinary_network_has_nothing_taken_away() -> None:
    (group,) = outcome_groups(record())
    (row,) = [row for row in group.rows if row.attacker == "ordinary" and row.data == "100%"]
    assert (row.plain, row.locked, row.away, row.interval, row.sure) == ("55.7%", "55.7%", "\u2014", "\u2014", False)
