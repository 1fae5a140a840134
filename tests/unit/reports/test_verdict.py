"""The verdict's rules, one by one."""

from dataclasses import replace

import pytest

from archlock.reports import FloorRecord, LockRecord, verdict_of
from report_records import lock_record, outcomes, target, unhappy_records


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
    assert words.endswith("on average on 3 targets the search never saw; the owner loses 0.6 points on digits.")


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
        replace(o, test=0.8 + swings[o.seed]) if o.target == "b" and o.defended == "locked" else o
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
    assert "the search was told of" in verdict_of(replace(lock_record(), scheme="tk", targets=known)).sentence
