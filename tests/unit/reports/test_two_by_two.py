from dataclasses import replace

import pytest

from archlock.errors import RunError
from archlock.reports import (
    LockRecord,
    NontransferableRecord,
    PlainModelRecord,
    from_json,
    render_card,
    render_html,
    to_json,
    two_by_two_said,
)
from archlock.reports.two_by_two import source_rows, two_by_two
from report_records import lock_record, with_arms

TAKES = {"locked": 0.04, "source_only": 0.1, "random": 0.07, "same_size": 0.02}
"""What the training takes, by model, from every attacker who uses the weights and with every seed."""


def trained_record(*, given_up: int = 0, arms: bool = False) -> LockRecord:
    record = with_arms() if arms else lock_record()
    before = tuple(
        replace(
            one,
            test=round((one.test or 0) + TAKES[one.defended], 4),
            validation=(one.validation or 0) + TAKES[one.defended],
        )
        for one in record.outcomes
        if one.attacker != "from_scratch"
    )
    models = tuple(
        PlainModelRecord(
            role=model.role,
            source_validation=model.source_validation,
            source_test=tuple(score + 0.005 for score in model.source_test),
            kept=(0,) * given_up + (12,) * (3 - given_up) if model.role == "locked" else (12, 12, 12),
            failed=("",) * 3,
            seconds=4.5,
        )
        for model in record.models
    )
    block = NontransferableRecord(
        training="ntl",
        paper="Wang et al. 2022",
        summary="raises the loss on the target",
        targets=("jigsaw of digits",),
        known=False,
        rounds=12,
        images=14_364,
        models=models,
        outcomes=before,
    )
    return replace(record, nontransferable=block)


def test_what_the_training_takes_is_what_was_put_in() -> None:
    groups = {group.target: group for group in two_by_two(trained_record(arms=True))}
    assert list(groups) == ["letters", "fashion", "traffic signs"], "the judged targets"
    rows = {row.name: row for row in groups["letters"].rows}
    assert list(rows) == ["Source-only", "Random", "Same-size random", "Locked", "Source-only minus locked"]
    for name, takes in (("Source-only", "10.0"), ("Locked", "4.0"), ("Random", "7.0"), ("Same-size random", "2.0")):
        assert rows[name].taken == f"{takes} ({takes} to {takes})"
        assert rows[name].sure
    plain, after = (float(rows["Locked"].plain.rstrip("%")), float(rows["Locked"].after.rstrip("%")))
    assert plain - after == pytest.approx(4.0, abs=0.11)
    last = rows["Source-only minus locked"]
    before, afterwards = (float(text.split(" (")[0]) for text in (last.plain, last.after))
    assert before - afterwards == pytest.approx(6.0, abs=0.11)
    assert last.taken == "\N{MINUS SIGN}6.0 (\N{MINUS SIGN}6.0 to \N{MINUS SIGN}6.0)", "of what the architecture takes"


def test_attack_by_attack_those_who_use_the_weights() -> None:
    (letters, *_) = two_by_two(trained_record())
    assert letters.data == "100%"
    assert [row.name for row in letters.attacks] == [
        f"{attack}, {role}"
        for attack in ("Linear probe", "Full fine-tuning", "Renormalised, head first, then all")
        for role in ("source-only", "locked")
    ]
    assert {row.taken.split(" (")[0] for row in letters.attacks if row.name.endswith("locked")} == {"4.0"}


def test_nobody_does_worse_than_without_the_model() -> None:
    """Where the data alone give more than any of the four networks, the weights are worth nothing and neither takes."""
    record = trained_record()
    better = tuple(
        replace(one, test=0.99, validation=0.99) if one.attacker == "from_scratch" else one for one in record.outcomes
    )
    (letters, *_) = two_by_two(replace(record, outcomes=better))
    assert [row.taken.split(" (")[0] for row in letters.rows] == ["0.0", "0.0", "0.0"]


def test_the_sentence_says_all_four_ways_and_what_both_cost() -> None:
    said = two_by_two_said(trained_record(given_up=1))
    assert said.startswith(
        "Training with ntl takes 10.0\N{NO-BREAK SPACE}points (10.0 to 10.0) from the strongest attackers on the "
        "source-only architecture and 4.0\N{NO-BREAK SPACE}points (4.0 to 4.0) on the locked one. The locked "
        "architecture takes "
    )
    assert "Both together take " in said
    assert "and cost the owner 1.1\N{NO-BREAK SPACE}points on digits (95% interval of the loss " in said
    assert said.endswith(
        "It was given up for 1 of 3\N{NO-BREAK SPACE}networks of the locked model, which stay as they were trained "
        "plainly."
    )
    assert two_by_two_said(lock_record()) == ""
    nothing = trained_record()
    assert nothing.nontransferable is not None
    nothing = replace(nothing, nontransferable=replace(nothing.nontransferable, outcomes=()), outcomes=())
    assert two_by_two_said(nothing).startswith("Nothing can be said of what ntl takes from attackers: no attack ran")
    assert two_by_two(nothing) == ()


def test_the_source_before_and_after() -> None:
    rows = source_rows(trained_record(given_up=2))
    assert [(row.name, row.given_up) for row in rows] == [("Locked", "2 of 3"), ("Source-only", "0 of 3")]
    assert rows[0].plain == "98.2%"
    assert rows[0].after == "97.7%"
    assert source_rows(lock_record()) == ()


def test_page_and_card_say_it_and_a_record_from_before_says_nothing(tmp_path) -> None:
    record = trained_record(arms=True)
    page, card = render_html(record), render_card(record)
    for words in (
        "What the training takes, and what the architecture",
        "trained on with <b>ntl</b> (Wang et al. 2022), which raises the loss on the target: the simulated targets "
        "that the search saw (jigsaw of digits), 12",
        "14,364 images forward and backward",
        "Source-only minus locked",
        "Attack by attack on letters",
    ):
        assert words in page, words
    assert "Training with ntl takes 10.0" in card
    assert "What the training takes" not in render_html(lock_record())
    assert from_json(to_json(tmp_path / "result.json", record)) == record


def test_a_record_that_does_not_fit_is_refused() -> None:
    with pytest.raises(RunError, match=r"the plain locked model needs .* got 1, 1, 2 and 1"):
        PlainModelRecord(
            role="locked", source_validation=(0.5,), source_test=(0.5,), kept=(1, 2), failed=("",), seconds=0.0
        )
    record = trained_record()
    assert record.nontransferable is not None
    strange = replace(record.nontransferable.outcomes[0], target="nowhere")
    with pytest.raises(RunError, match="an outcome is on the target 'nowhere'"):
        replace(record, nontransferable=replace(record.nontransferable, outcomes=(strange,)))
