from dataclasses import replace

import pytest

from archlock.reports import render_card, render_html
from archlock.reports.outcomes import at_chance, counted_score
from archlock.reports.verdict import verdict_of
from archlock.reports.wording import score
from archlock.tasks import KINDS
from report_records import lock_record, unhappy_records

RECORD = lock_record()
DENSE = unhappy_records()["dense"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_speaks_of_every_kind_in_its_words(kind):
    words = KINDS[kind].words
    fields = {"targets": tuple(replace(t, kind=kind, chance=0.2) for t in DENSE.targets), "outcomes": DENSE.outcomes}
    record = replace(RECORD, **fields) if words.symbol else RECORD
    page, card = render_html(record), render_card(record)
    assert score(0.25, kind) == (f"{words.symbol}\N{NO-BREAK SPACE}0.250" if words.symbol else "25.0%")
    if words.symbol:
        assert words.symbol in page
        assert words.symbol in card
        assert f"of {words.score}" in verdict_of(record).sentence
    if words.counted and words.symbol:
        assert words.counted[1] in page


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_counts_what_a_constant_would_reach_at_least(kind):
    outcome = replace(next(one for one in RECORD.outcomes if one.status == "valid"), test=-0.5)
    least = KINDS[kind].least
    assert counted_score(outcome, kind) == (-0.5 if least is None else least)
    target = replace(RECORD.targets[0], kind=kind, chance=0.2)
    assert at_chance(outcome, target) == KINDS[kind].has_classes


def test_a_card_of_a_model_of_several_labels_lists_labels():
    card = render_card(replace(RECORD, source=replace(RECORD.source, kind="labels", class_balance=(), test_balance=())))
    assert "\nLabels: " in card
    assert "a sigmoid for each, labels in the order below" in card
    assert "which of 10 labels an image has" in card
    assert "chance: always" not in card
    assert "pipeline_tag: image-classification\n" in card
    assert "\n  - mean_average_precision\n" in card
