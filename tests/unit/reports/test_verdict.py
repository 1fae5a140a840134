"""The verdict's rules, one by one."""

from dataclasses import replace

import pytest

from archlock.reports import FloorRecord, LockRecord, OutcomeRecord, verdict_of
from archlock.reports.statistics import estimate
from report_records import lock_record, outcomes, target, unhappy_records, with_arms


def attacked(**levels: tuple[float, float]) -> LockRecord:
    """A record whose targets have the given (source-only, locked) levels, with a noise of about one point."""
    table = {name: (plain, locked, 10) for name, (plain, locked) in levels.items()}
    return replace(
        lock_record(),
        targets=tuple(target(name, 10) for name in table),
        outcomes=outcomes(table, seeds=5, fractions=(1.0,)),
    )


def test_held() -> None:
    verdict = verdict_of(lock_record())
    assert (verdict.kind, verdict.word, verdict.reasons) == ("held", "Held", ())
    words = verdict.sentence.replace("\N{NO-BREAK SPACE}", " ")
    assert words.startswith("The strongest attackers lose 15.")
    low, high = (100 * value for value in (verdict.taken_away.low, verdict.taken_away.high))  # type: ignore[union-attr]
    assert f"on average ({low:.1f} to {high:.1f}) on 3 targets the search never saw" in words
    assert words.endswith("; the owner loses 0.6 points on digits.")


def test_partly_when_one_target_loses_nothing() -> None:
    verdict = verdict_of(attacked(a=(0.8, 0.5), b=(0.7, 0.74)))
    assert verdict.kind == "partly"
    assert "Attackers lose nothing on 1\N{NO-BREAK SPACE}target of 2." in verdict.reasons


def test_partly_when_the_floor_is_missed() -> None:
    verdict = verdict_of(replace(lock_record(), floor=FloorRecord(kind="accuracy_loss", value=0.001)))
    assert (verdict.kind, verdict.reasons) == ("partly", ("The source floor is missed on the test split.",))
    verdict = verdict_of(replace(lock_record(), floor=FloorRecord(kind="percentile", value=99.0)))
    assert verdict.kind == "partly"


def test_partly_when_the_owner_loses_more() -> None:
    record = attacked(a=(0.8, 0.77))
    costly = replace(record.locked, source_test=(0.90, 0.90, 0.90))
    record = replace(record, locked=costly, floor=FloorRecord(kind="accuracy_loss", value=0.2))
    verdict = verdict_of(record)
    assert (verdict.kind, verdict.reasons) == ("partly", ("The owner loses at least as much as the attackers.",))


def test_partly_when_only_single_targets_are_certain() -> None:
    record = attacked(a=(0.8, 0.5), b=(0.7, 0.7))
    swings = (-0.6, 0.5, 0.1, -0.4, 0.2)
    noisy = tuple(
        replace(o, test=0.8 + swings[o.seed])
        if o.target == "b" and o.defended == "locked" and o.attacker != "from_scratch"
        else o
        for o in record.outcomes
    )
    verdict = verdict_of(replace(record, outcomes=noisy))
    assert verdict.kind == "partly"
    assert verdict.reasons[1] == "Certain only for 1\N{NO-BREAK SPACE}target of 2."


def test_did_not_hold_when_attackers_gain() -> None:
    verdict = verdict_of(attacked(a=(0.5, 0.6)))
    assert verdict.kind == "did_not_hold"
    assert verdict.sentence.startswith("The strongest attackers gain ")


def test_did_not_hold_when_nothing_was_found() -> None:
    verdict = verdict_of(unhappy_records()["same"])
    assert verdict.kind == "did_not_hold"
    assert verdict.sentence.startswith("The lock found nothing")


def test_not_measurable_within_noise_and_with_one_seed() -> None:
    verdict = verdict_of(attacked(a=(0.6, 0.597)))
    assert verdict.kind == "not_measurable"
    assert "within noise" in verdict.reasons[0]
    verdict = verdict_of(unhappy_records()["one_seed"])
    assert verdict.kind == "not_measurable"
    assert verdict.reasons == ("Each attack ran with one seed; it takes three seeds to tell a difference from chance.",)


@pytest.mark.parametrize("name", ["no_outcomes", "nothing", "all_failed"])
def test_not_attacked(name: str) -> None:
    verdict = verdict_of(unhappy_records()[name])
    assert (verdict.kind, verdict.taken_away) == ("not_attacked", None)
    assert "is not known yet" in verdict.sentence


def test_the_sentence_says_what_the_targets_and_units_are() -> None:
    assert "2\N{NO-BREAK SPACE}simulated targets" in verdict_of(unhappy_records()["simulated_only"]).sentence
    assert "points of R\N{SUPERSCRIPT TWO} on average" in verdict_of(unhappy_records()["dense"]).sentence
    known = tuple(replace(t, seen_by_search=True) for t in lock_record().targets)
    assert "the search knew" in verdict_of(replace(lock_record(), scheme="tk", targets=known)).sentence


def test_held_against_random_architectures_too() -> None:
    verdict = verdict_of(with_arms())
    assert (verdict.kind, verdict.reasons) == ("held", ())
    assert verdict.beside


def test_what_any_other_architecture_takes_as_well_is_no_lock() -> None:
    for role in ("random", "same_size"):
        taken = {"random": 0.02, "same_size": 0.02, role: 0.25}
        verdict = verdict_of(with_arms(**taken))
        assert verdict.kind == "did_not_hold", role
        (reason,) = verdict.reasons
        whose = "A random architecture of the locked one's size" if role == "same_size" else "A random architecture"
        assert reason.startswith(f"{whose} takes as much: a loss of one point or more against it is ruled out")
        words = verdict.sentence.replace("\N{NO-BREAK SPACE}", " ")
        assert words.startswith("The strongest attackers lose 15."), "what was measured is not denied"


def test_partly_when_the_difference_to_a_random_architecture_is_within_noise() -> None:
    record = with_arms()
    swings = (0.1, -0.1, 0.02)
    noisy = tuple(
        replace(o, test=round((o.test or 0.0) - 0.12 + swings[o.seed], 4)) if o.defended == "random" else o
        for o in record.outcomes
    )
    verdict = verdict_of(replace(record, outcomes=noisy))
    assert verdict.kind == "partly"
    assert verdict.reasons[0].startswith("Against a random architecture the mean difference is within noise (interval ")


def test_partly_when_a_random_architecture_takes_as_much_on_one_target() -> None:
    record = with_arms()
    deep = tuple(
        replace(o, test=round((o.test or 0.0) - 0.2, 4)) if (o.defended, o.target) == ("random", "fashion") else o
        for o in record.outcomes
    )
    verdict = verdict_of(replace(record, outcomes=deep))
    assert verdict.kind == "partly"
    assert "A random architecture takes as much on 1\N{NO-BREAK SPACE}target of 3." in verdict.reasons


def test_partly_when_a_random_architecture_was_trained_but_has_no_score() -> None:
    record = with_arms()
    verdict = verdict_of(replace(record, outcomes=tuple(o for o in record.outcomes if o.defended != "random")))
    assert verdict.kind == "partly"
    assert verdict.reasons == ("No attack ran on both the locked model and a random architecture.",)


def scored(differences: dict[str, tuple[float, ...]], arms: dict[str, dict[str, tuple[float, ...]]]) -> LockRecord:
    """Targets with these differences, seed by seed, of the source-only model and of random ones to the locked one."""

    def attacked_once(role: str, name: str, seed: int, test: float) -> OutcomeRecord:
        return OutcomeRecord(
            defended=role, target=name, attacker="renormalised", fraction=1.0, seed=seed, validation=0.5, test=test
        )  # type: ignore[arg-type]  # fmt: skip

    found = []
    for role, levels in {"source_only": differences, **arms}.items():
        found += [
            attacked_once(role, name, seed, round(0.5 + difference, 6))
            for name, values in levels.items()
            for seed, difference in enumerate(values)
        ]
    found += [attacked_once("locked", n, seed, 0.5) for n, values in differences.items() for seed in range(len(values))]
    base = with_arms() if arms else lock_record()
    return replace(base, targets=tuple(target(name, 10) for name in differences), outcomes=tuple(found))


SWINGING = (0.40, -0.40, 0.35, -0.38)
"""A target on which nothing is certain: it keeps the mean over targets within noise."""


def low(values: tuple[float, ...], tests: int) -> float:
    found = estimate(values, confidence=1 - 0.05 / tests).low
    assert found is not None
    return found


def test_single_targets_are_corrected_for_their_number() -> None:
    """Sure at 95 %, but not once one of four targets had four chances: not worth a 'partly'."""
    lucky = (0.030, 0.012, 0.022, 0.034)
    record = scored({"a": lucky, **dict.fromkeys("bcd", SWINGING)}, {})
    assert low(lucky, 1) > 0 > low(lucky, 4)
    assert verdict_of(record).kind == "not_measurable"
    sure = (0.030, 0.026, 0.028, 0.029)
    assert low(sure, 4) > 0
    assert verdict_of(scored({"a": sure, **dict.fromkeys("bcd", SWINGING)}, {})).kind == "partly"


def test_single_targets_are_corrected_for_the_other_models_as_well() -> None:
    """Sure for two targets' worth of chances, not for two targets times three models."""
    lucky = (0.036, 0.014, 0.022, 0.031)
    assert low(lucky, 2) > 0 > low(lucky, 6)
    targets = {"a": lucky, "b": SWINGING}
    record = scored(targets, {"random": targets, "same_size": targets})
    assert verdict_of(record).kind == "not_measurable"
    assert verdict_of(scored(targets, {})).kind == "partly", "against one model alone"
    sure = {"a": (0.030, 0.026, 0.028, 0.029), "b": SWINGING}
    verdict = verdict_of(scored(sure, {"random": sure, "same_size": sure}))
    assert verdict.kind == "partly"
    assert verdict.reasons[-1] == "Certain against every other model only for 1\N{NO-BREAK SPACE}target of 2."
    one_sided = verdict_of(scored(sure, {"random": targets, "same_size": sure}))
    assert one_sided.kind == "not_measurable", "certain against the source-only model is not enough"


def test_ruling_out_is_corrected_for_the_number_of_models() -> None:
    """One of three models would rule a loss out by chance; the corrected interval does not."""
    held, close = (0.10, 0.11, 0.12, 0.105), (0.005, -0.002, -0.004, 0.003)
    found = estimate(close)
    assert found.high is not None
    assert found.high < 0.01 < (estimate(close, confidence=1 - 0.05 / 3).high or 0)
    record = scored({"a": held}, {"random": {"a": close}, "same_size": {"a": held}})
    verdict = verdict_of(record)
    assert verdict.kind == "partly"
    assert verdict.reasons[0].startswith("Against a random architecture the mean difference is within noise")
