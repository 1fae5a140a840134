"""What weights are worth over the data, and whether anything was taken from that, by hand."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from archlock.reports import AttackRecord, LockRecord, OutcomeRecord, Role, verdict_of
from archlock.reports.arms import sides
from archlock.reports.attack_words import attack_headline, finding_said
from archlock.reports.judging import certain_targets, judge, p_value
from archlock.reports.measures import worth_said
from archlock.reports.outcomes import Terms, stuck_at_chance, valid_outcomes, without_the_model
from archlock.reports.statistics import headline
from archlock.reports.worth_curves import worth_curves
from report_records import attack_record, lock_record, target

NOISE = (0.0, 0.004, -0.002)


def outcomes(
    levels: dict[tuple[str, Role], float], *, fraction: float = 1.0, horizon: float = 1.0, name: str = "letters"
) -> Iterable[OutcomeRecord]:
    for (attacker, role), level in levels.items():
        for seed, noise in enumerate(NOISE):
            value = round(level + noise * (1 + 0.5 * (role == "locked")), 6)
            yield OutcomeRecord(
                defended=role, target=name, attacker=attacker, fraction=fraction, seed=seed, horizon=horizon,
                validation=value, test=value,
            )  # fmt: skip


def record(
    *found: Iterable[OutcomeRecord], tests: int | None = 400, names: tuple[str, ...] = ("letters",)
) -> LockRecord:
    goals = tuple(replace(target(name, 10), tests=tests) for name in names)
    return replace(lock_record(), targets=goals, outcomes=tuple(o for part in found for o in part))


def both(attacker: str, plain: float, locked: float) -> dict[tuple[str, Role], float]:
    return {(attacker, "source_only"): plain, (attacker, "locked"): locked}


def test_the_worth_over_the_data_its_area_and_where_it_ends() -> None:
    made = record(
        outcomes(both("renormalised", 0.6, 0.5) | both("from_scratch", 0.2, 0.3), fraction=0.1),
        outcomes(both("renormalised", 0.8, 0.7) | both("from_scratch", 0.5, 0.4), fraction=0.5),
        outcomes(both("renormalised", 0.9, 0.8) | both("from_scratch", 0.95, 0.4), fraction=1.0),
    )
    (curve,) = worth_curves(made)
    assert [point.terms.fraction for point in curve.points] == [0.1, 0.5, 1.0]
    few, more, most = curve.points
    assert few.without == pytest.approx([0.3 + 1.5 * noise for noise in NOISE]), "the better one, whose it is"
    assert few.worth("source_only").mean == pytest.approx(0.3, abs=0.002)
    assert few.share("source_only") == pytest.approx(0.3 / 0.5, abs=0.01)
    assert more.worth("locked").mean == pytest.approx(0.2, abs=0.002)
    assert most.worth("source_only").mean == pytest.approx(-0.05, abs=0.002)
    assert most.share("source_only") == 0
    places, worth = np.log([0.1, 0.5, 1.0]), [point.worth("source_only").mean for point in curve.points]
    area = curve.area("source_only")
    assert area is not None
    assert area.mean == pytest.approx(np.trapezoid(worth, places) / (places[-1] - places[0]))
    ends = curve.worthless_from("source_only")
    assert ends is not None
    assert ends.terms == Terms(1.0)
    words = worth_said(made, "letters").replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("Without the model the same data (100%) give 95.")
    assert "not known to be worth anything from 100% of the data on" in words


def test_targets_that_the_verdict_is_not_about_have_a_curve_where_they_are_named() -> None:
    levels = both("renormalised", 0.6, 0.5) | both("ordinary", 0.2, 0.2)
    made = record(outcomes(levels), outcomes(levels, name="digits"), names=("letters", "digits"))
    letters, digits = made.targets
    made = replace(made, targets=(letters, replace(digits, simulated=True)))
    assert [curve.target for curve in worth_curves(made)] == ["letters"]
    assert [curve.target for curve in worth_curves(made, made.targets)] == ["letters", "digits"]


def test_only_the_longest_trainings_count_at_each_amount_of_data() -> None:
    made = record(
        outcomes(both("renormalised", 0.6, 0.5) | both("ordinary", 0.2, 0.2)),
        outcomes(both("renormalised", 0.8, 0.7) | both("ordinary", 0.75, 0.75), horizon=4.0),
    )
    (curve,) = worth_curves(made)
    assert [point.terms.horizon for point in curve.points] == [4.0]
    assert curve.points[0].worth("locked").mean == pytest.approx(-0.05, abs=0.002)
    assert curve.area("locked") is None, "one amount of data is no curve"


def test_a_lock_takes_what_the_weights_are_worth_and_no_more() -> None:
    """From 80 to 30 points, where the data alone give 60: twenty points are taken, and not fifty."""
    made = record(
        outcomes(both("renormalised", 0.8, 0.3) | both("from_scratch", 0.5, 0.2) | both("ordinary", 0.6, 0.6))
    )
    (comparison,) = headline(made)
    assert (np.mean(comparison.other), np.mean(comparison.locked)) == pytest.approx((0.8, 0.3), abs=0.01)
    assert comparison.taken_away.mean == pytest.approx(0.2, abs=0.003)
    assert verdict_of(made).kind == "held"


def test_where_the_data_alone_give_as_much_there_is_nothing_to_lock() -> None:
    made = record(outcomes(both("renormalised", 0.8, 0.3) | both("ordinary", 0.81, 0.81)))
    verdict = verdict_of(made)
    assert (verdict.kind, verdict.word) == ("nothing_to_lock", "Nothing to lock here")
    assert "worth nothing on 1" in verdict.sentence
    (reason,) = verdict.reasons
    assert reason.startswith("Without the model attackers get 1")


def test_with_one_seed_a_model_that_nobody_needs_is_no_loss_of_nothing() -> None:
    def sentence(ordinary: float) -> str:
        every = outcomes(both("renormalised", 0.8, 0.3) | both("ordinary", ordinary, ordinary))
        verdict = verdict_of(record(o for o in every if o.seed == 0))
        assert verdict.kind == "not_measurable"
        return verdict.sentence.replace("\N{NO-BREAK SPACE}", " ")

    assert sentence(0.81).startswith("Attackers who have no model get at least as far on 1")
    assert sentence(0.7).startswith("The strongest attacks come out 10.0 points lower on 1")


def test_unprepared_attackers_give_no_verdict() -> None:
    naive = both("fine_tune", 0.8, 0.1) | both("linear_probe", 0.7, 0.1) | both("lp_ft", 0.8, 0.1)
    verdict = verdict_of(record(outcomes(naive)))
    assert verdict.kind == "not_measurable"
    assert "so nothing is known to be locked" in verdict.reasons[0]
    assert verdict_of(record(outcomes(naive | both("renormalised", 0.8, 0.3)))).kind == "held"


def test_an_attack_stuck_at_chance_is_no_defence() -> None:
    """Fine-tuning ends at chance on the locked model, the other attack does not: left out for both models."""
    levels = both("fine_tune", 0.9, 0.11) | both("renormalised", 0.8, 0.8)
    made = record(outcomes(levels))
    assert {(o.attacker, o.defended) for o in stuck_at_chance(made)} == {("fine_tune", "locked")}
    (comparison,) = headline(made)
    assert set(comparison.chosen_other) == {"renormalised"}
    assert verdict_of(made).kind != "held"
    assert not stuck_at_chance(record(outcomes(both("fine_tune", 0.9, 0.2) | both("renormalised", 0.8, 0.8))))
    assert not stuck_at_chance(record(outcomes(both("fine_tune", 0.9, 0.11) | both("renormalised", 0.8, 0.1)))), "all"
    scratch = record(outcomes(both("from_scratch", 0.1, 0.1) | both("renormalised", 0.8, 0.8)))
    assert not stuck_at_chance(scratch), "the data alone may well give nothing"
    assert without_the_model(scratch)
    assert all("fine_tune" not in met["locked"] for met in valid_outcomes(made).values())


def test_a_certain_target_is_found_by_holms_procedure() -> None:
    assert p_value((0.1, 0.2, 0.12, 0.17)) == pytest.approx(stats.ttest_1samp((0.1, 0.2, 0.12, 0.17), 0).pvalue)
    assert (p_value((-0.1, -0.2, -0.1)), p_value((0.1, 0.1, 0.1)), p_value((0.1, 0.1))) == (1.0, pytest.approx(0), 1.0)
    levels = {"a": (0.8, 0.5), "b": (0.8, 0.78), "c": (0.8, 0.81)}
    made = record(
        *(outcomes(both("renormalised", *level), name=name) for name, level in levels.items()), names=tuple(levels)
    )
    found = sides(made)
    values = {c.target: p_value(c.differences) for c in found[0].judged}
    assert values["a"] < 0.05 / 3
    assert values["b"] < 0.05 / 2
    assert certain_targets(found) == ["a", "b"]


def test_an_attack_on_two_models_is_judged_by_the_same_rules() -> None:
    base = attack_record()

    def found(levels: dict[tuple[str, Role], float]) -> AttackRecord:
        goal = replace(target("letters", 10), tests=400)
        return replace(base, targets=(goal,), outcomes=tuple(outcomes(levels)))

    taken = found(both("renormalised", 0.8, 0.5))
    assert judge(taken, sides(taken)).finding == "taken"
    nothing = found(both("fine_tune", 0.9, 0.1) | both("renormalised", 0.8, 0.802))
    assert finding_said(nothing).startswith("Nothing is taken. A loss of one point or more is ruled out")
    assert attack_headline(nothing).startswith("Nothing is taken.")
    naive = found(both("fine_tune", 0.9, 0.1))
    assert finding_said(naive).startswith("Not measurable. No attack was tried")
