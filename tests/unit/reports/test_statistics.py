"""Statistics of a record against SciPy and against sums done by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archlock.reports import LockRecord, OutcomeRecord, Role
from archlock.reports.statistics import (
    comparisons,
    estimate,
    headline,
    judged_targets,
    overall,
    source_loss,
    strongest,
    strongest_alone,
)
from report_records import REAL, SIMULATED, lock_record, outcomes, target


def outcome(role: Role, attacker: str, seed: int, validation: float | None, test: float | None, **more: object):
    return OutcomeRecord(
        defended=role, target=more.pop("target", "letters"), attacker=attacker, fraction=more.pop("fraction", 1.0),
        seed=seed, validation=validation, test=test, **more,
    )  # fmt: skip


def with_outcomes(*found: OutcomeRecord) -> LockRecord:
    return replace(lock_record(), outcomes=found)


def test_the_interval_is_the_t_interval_of_the_paired_differences() -> None:
    values = [0.11, 0.14, 0.08, 0.17]
    found = estimate(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.mean, found.low, found.high) == pytest.approx((0.125, low, high))


@pytest.mark.parametrize("values", [[0.1], [0.1, 0.3]])
def test_fewer_than_three_values_have_no_interval(values: list[float]) -> None:
    found = estimate(values)
    assert not found.has_interval
    assert found.low is None
    assert found.mean == pytest.approx(np.mean(values))
    with pytest.raises(ValueError, match="at least one value"):
        estimate([])


def test_the_strongest_attack_is_chosen_by_validation_and_counted_by_test() -> None:
    record = with_outcomes(
        outcome("locked", "linear_probe", 0, 0.50, 0.90),
        outcome("locked", "fine_tune", 0, 0.60, 0.40),
        outcome("source_only", "linear_probe", 0, 0.80, 0.70),
        outcome("source_only", "fine_tune", 0, 0.70, 0.95),
    )
    (worst,) = strongest(record)
    assert (worst.locked, worst.other) == ((0.40,), (0.70,))
    assert (worst.chosen_locked, worst.chosen_other) == (("fine_tune",), ("linear_probe",))
    assert worst.differences == pytest.approx((0.30,))


def test_a_network_of_the_attackers_own_is_no_attack_on_the_model() -> None:
    record = with_outcomes(
        *(outcome(role, "fine_tune", 0, 0.60, 0.40) for role in ("locked", "source_only")),
        *(outcome(role, "ordinary", 0, 0.90, 0.90) for role in ("locked", "source_only")),
    )
    assert [c.attacker for c in comparisons(record)] == ["fine_tune", "ordinary"]
    assert [c.locked for c in strongest(record)] == [(0.40,)]
    assert [o.attacker for (o,) in strongest_alone(record).values()] == ["fine_tune"]
    alone = with_outcomes(*(outcome(role, "ordinary", 0, 0.90, 0.90) for role in ("locked", "source_only")))
    assert strongest(alone) == ()
    assert [o.attacker for (o,) in strongest_alone(alone).values()] == ["ordinary"]


def test_an_attack_that_failed_on_one_model_counts_for_neither() -> None:
    record = with_outcomes(
        outcome("locked", "linear_probe", 0, 0.50, 0.45),
        outcome("locked", "fine_tune", 0, None, None, status="failed"),
        outcome("source_only", "linear_probe", 0, 0.60, 0.55),
        outcome("source_only", "fine_tune", 0, 0.90, 0.95),
    )
    (worst,) = strongest(record)
    assert worst.other == (0.55,)
    assert [c.attacker for c in comparisons(record)] == ["linear_probe"]


def test_differences_are_paired_by_seed_whatever_the_order() -> None:
    scores = {("locked", 2): 0.2, ("source_only", 0): 0.5, ("locked", 0): 0.4, ("source_only", 2): 0.9,
              ("source_only", 7): 0.1}  # fmt: skip
    (found,) = comparisons(with_outcomes(*(outcome(r, "fine_tune", s, v, v) for (r, s), v in scores.items())))
    assert found.seeds == (0, 2)
    assert found.differences == pytest.approx((0.1, 0.7))


def test_a_negative_r_squared_takes_nothing_more_away() -> None:
    dense = replace(target("letters", 2), kind="dense", classes=0, chance=0.0)
    record = replace(
        lock_record(),
        targets=(dense,),
        outcomes=(outcome("locked", "fine_tune", 0, -3.0, -2.0), outcome("source_only", "fine_tune", 0, 0.5, 0.4)),
    )
    assert headline(record)[0].differences == pytest.approx((0.4,))


def test_the_mean_over_targets_is_taken_seed_by_seed() -> None:
    record = lock_record()
    judged = headline(record)
    assert [comparison.target for comparison in judged] == list(REAL)
    assert {comparison.fraction for comparison in judged} == {1.0}
    by_seed = np.mean([comparison.differences for comparison in judged], axis=0)
    low, high = stats.ttest_1samp(by_seed, 0).confidence_interval(0.95)
    found = overall(judged, seed=0)
    assert (found.mean, found.low, found.high, found.basis) == pytest.approx((by_seed.mean(), low, high, "seeds"))


def test_one_seed_and_many_targets_give_an_interval_over_targets() -> None:
    many = {f"t{i}": (0.8, 0.8 - 0.05 * i, 10) for i in range(1, 7)}
    record = replace(lock_record(), targets=tuple(target(name, 10) for name in many), outcomes=outcomes(many, seeds=1))
    judged = headline(record)
    found = overall(judged, seed=3)
    differences = [comparison.differences[0] for comparison in judged]
    assert found.basis == "targets"
    assert found.mean == pytest.approx(np.mean(differences))
    # percentile bootstrap against the exact law of the resampled mean: about +- 1.96 standard errors
    half = 1.96 * np.std(differences) / 6**0.5
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half), abs=0.015)
    assert overall(judged, seed=3) == found
    assert not overall(judged[:2], seed=3).has_interval


def test_source_loss_is_paired_where_it_can_be() -> None:
    record = lock_record()
    loss = source_loss(record)
    expected = np.subtract(record.source_only.source_test, record.locked.source_test)
    assert loss.mean == pytest.approx(expected.mean())
    assert loss.has_interval
    one = replace(record.locked, source_test=(0.9,), source_validation=(0.9,))
    lame = replace(record.locked, source_test=record.locked.source_test[1:], diverged=(0,))
    rest = [
        plain - locked
        for locked, plain in zip(record.locked.source_test[1:], record.source_only.source_test[1:], strict=True)
    ]
    assert source_loss(replace(record, locked=replace(lame, source_validation=lame.source_test))) == estimate(rest)
    unpaired = source_loss(replace(record, locked=one))
    assert unpaired.mean == pytest.approx(np.mean(record.source_only.source_test) - 0.9)
    assert not unpaired.has_interval


def test_unseen_real_targets_are_judged_before_all_others() -> None:
    record = lock_record()
    assert [t.name for t in judged_targets(record)] == list(REAL)
    seen = tuple(replace(t, seen_by_search=True) if t.name == "fashion" else t for t in record.targets)
    record = replace(record, targets=seen)
    assert [t.name for t in judged_targets(record)] == ["letters", "traffic signs"]
    assert [t.name for t in judged_targets(replace(record, scheme="tk"))] == ["fashion"]
    only = replace(record, outcomes=tuple(o for o in record.outcomes if o.target in SIMULATED))
    assert [t.name for t in judged_targets(only)] == list(SIMULATED)


def test_longer_trainings_and_few_shots_are_terms_of_their_own() -> None:
    found = with_outcomes(
        *(
            outcome(role, "fine_tune", 0, value, value, horizon=horizon, shots=shots, fraction=fraction)
            for role, sign in (("locked", -1), ("source_only", 1))
            for horizon, shots, fraction, value in (
                (1.0, None, 1.0, 0.5 + 0.1 * sign),
                (4.0, None, 1.0, 0.5 + 0.2 * sign),
                (1.0, 5, 0.02, 0.5 + 0.3 * sign),
                (4.0, 5, 1.0, 0.5 + 0.4 * sign),
            )
        )
    )
    by_terms = {(c.terms.horizon, c.terms.shots, c.fraction): c.differences for c in comparisons(found)}
    assert {key: round(value, 6) for key, (value,) in by_terms.items()} == {
        (1.0, None, 1.0): 0.2, (4.0, None, 1.0): 0.4, (1.0, 5, 0.02): 0.6, (4.0, 5, 1.0): 0.8,
    }  # fmt: skip
    assert len(strongest(found)) == 4
    (judged,) = headline(found)
    assert (judged.terms.horizon, judged.terms.shots) == (4.0, None), "most data, then most time"
