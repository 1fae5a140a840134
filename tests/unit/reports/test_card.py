"""The model card."""

import re

import pytest

from archlock.reports import render_card
from report_records import HOSTILE, lock_record, unhappy_records

yaml = pytest.importorskip("yaml")


def front_matter(card: str) -> dict[str, object]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_the_card_says_what_the_model_is_and_how_to_load_it() -> None:
    card = render_card(lock_record(), load="runs/other")
    head = front_matter(card)
    assert head["license"] == "unknown"
    assert head["pipeline_tag"] == "image-classification"
    assert head["model-index"][0]["results"][0]["metrics"][0] == {"type": "accuracy", "value": 0.9773}  # type: ignore[index]
    assert 'archlock.load("runs/other")' in card
    assert "`float32` grey images in [0, 1], N x 1 x 16 x 16" in card
    assert "| letters | 3.8% | 81.0% | 63.0% | 18.0 | 16.1 to 19.9 |" in card
    assert "**Held.**" in card


@pytest.mark.parametrize("name", list(unhappy_records()))
def test_every_record_has_a_card_without_nan(name: str) -> None:
    card = render_card(unhappy_records()[name])
    assert front_matter(card)["library_name"] == "archlock"
    assert not re.search(r"\b(nan|None|inf)\b", card)


def test_untrusted_names_stay_text() -> None:
    card = render_card(unhappy_records()["hostile_names"])
    head = front_matter(card)
    assert head["model-index"][0]["results"][0]["dataset"]["name"] == HOSTILE  # type: ignore[index]
    body = card.split("---\n", 2)[2].split("```")
    outside = "".join(body[::2])
    assert not re.search(r"(?<!\\)<script", outside)


def test_a_card_without_attacks_claims_nothing() -> None:
    assert "what the lock is worth is not known" in render_card(unhappy_records()["no_outcomes"])
