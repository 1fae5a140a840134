"""Numbers for people."""

import pytest

from archlock.reports.statistics import Estimate
from archlock.reports.wording import (
    MINUS,
    attack_name,
    day,
    duration,
    interval,
    large,
    listed,
    number,
    percent,
    points,
    score,
    score_interval,
    share,
    shorten,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0.9778), "97.8%"),
        (number(-0.04), "0.0"),
        (number(-1.25, 1), "\N{MINUS SIGN}1.2"),
        (number(12345.6, 0), "12,346"),
        (points(0.01), "1.0 point"),
        (points(0.142), "14.2 points"),
        (points(-0.142), "\N{MINUS SIGN}14.2 points"),
        (score(0.5), "50.0%"),
        (score(-0.25, "dense"), "R\N{SUPERSCRIPT TWO} \N{MINUS SIGN}0.250"),
        (score(None), "\N{EM DASH}"),
        (duration(0.42), "0.4 s"),
        (duration(59.6), "1 min"),
        (duration(200.0), "3 min 20 s"),
        (duration(7500.0), "2 h 5 min"),
        (duration(7199.0), "2 h"),
        (large(958), "958"),
        (large(9_713_152), "9.7 M"),
        (large(14_200), "14.2 k"),
        (share(0.005), "0.5%"),
        (share(1.0), "100%"),
        (listed([]), ""),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
        (attack_name("fine_tune"), "Full fine-tuning"),
        (attack_name("my_attack"), "my attack"),
        (day("2026-02-03T10:21:44+00:00"), "3 February 2026, 10:21 UTC"),
        (day("yesterday"), "yesterday"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") == expected


def test_a_shortened_text_keeps_both_ends() -> None:
    assert shorten("short", 5) == "short"
    assert shorten("a" * 50 + "END", 20).endswith("END")
    assert len(shorten("x" * 100, 20)) == 20


def test_the_interval_of_a_score_ends_where_scores_end() -> None:
    sure = Estimate(0.964, 0.90, 1.03, 3)
    assert score_interval(sure) == "90.0 to 100.0"
    assert score_interval(Estimate(0.02, -0.05, 0.09, 3)) == "0.0 to 9.0"
    assert score_interval(Estimate(0.1, -0.5, 0.7, 3), "regression").startswith(MINUS), "R squared has no least"
    assert score_interval(Estimate(0.5, None, None, 1)) == interval(Estimate(0.5, None, None, 1))
