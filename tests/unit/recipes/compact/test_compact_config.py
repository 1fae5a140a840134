"""Shares as people write them, and settings that cannot be meant."""

from fractions import Fraction

import pytest

from archlock.cli.options import multiples
from archlock.errors import ConfigurationError
from archlock.recipes import CompactConfig, parse_share
from archlock.recipes.compact.shrinking import fewer_periods, schedule_of


@pytest.mark.parametrize(
    ("text", "share"), [("50%", 0.5), ("0.3", 0.3), ("70 %", 0.7), (" 12.5% ", 0.125), (".5", 0.5)]
)
def test_a_share_is_read(text, share):
    assert parse_share(text) == share


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("50", "is above what there is: write 50% for percent"),
        ("1", "write 1% for percent"),
        ("0%", "is not above 0% and below 100%"),
        ("100%", "at 100% nothing goes"),
        ("120%", "is not above 0% and below 100%"),
        ("0", "is not above 0% and below 100%"),
        ("half", "'half' is not understood; write it as in 50%"),
        ("-5%", "'-5%' is not understood"),
        ("nan", "is not understood"),
    ],
)
def test_what_is_no_share_is_refused(text, said):
    with pytest.raises(ConfigurationError) as caught:
        parse_share(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"keep": 0.0}, "above 0 and below 1"),
        ({"keep": 1.5}, "above 0 and below 1"),
        ({"method": "hesos"}, "unknown compaction method 'hesos'; known: hesso, hesso-cric, magnitude, taylor"),
        ({"pruning_steps": 9}, "pruning_steps 9 cannot hold 10 periods, each of which needs a step; give at least 10"),
        ({"epochs": 1}, "epochs is a whole number, at least 2; got 1"),
        ({"rates": (0.1, 0.1)}, "are numbers that differ"),
        ({"rates": (0.0,)}, "rates are numbers above 0, as in (0.01, 0.05); got (0.0,)"),
        ({"rates": (float("nan"),)}, "rates are numbers above 0"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, said):
    with pytest.raises(ConfigurationError) as caught:
        CompactConfig(**settings)
    assert said in str(caught.value)


def test_a_share_is_the_decimal_that_was_written():
    assert CompactConfig(keep=0.7).goal.keep == Fraction(7, 10)
    assert CompactConfig.of(keep="30%").goal.keep == Fraction(3, 10)


def test_units_fade_from_a_tenth_to_a_quarter_of_all_steps():
    schedule = schedule_of(CompactConfig(epochs=20), 100)
    assert (schedule.periods.start, schedule.periods.end, schedule.periods.periods) == (200, 500, 10)
    assert (schedule.fading, schedule.rest) == (5, 15)
    one = schedule_of(CompactConfig(epochs=20, method="taylor"), 100)
    assert (one.fading, one.rest, one.periods) == (0, 20, None)
    few = schedule_of(CompactConfig(epochs=2), 4)
    assert few.periods.periods == few.periods.steps == 2, "fewer periods where there are fewer steps"
    with pytest.raises(ConfigurationError, match=r"2 epochs are 8 steps.* give more epochs, or fewer pruning steps"):
        schedule_of(CompactConfig(epochs=2, pruning_steps=40), 4)


def test_epochs_follow_the_amount_of_data():
    assert [CompactConfig().epochs_for(count) for count in (1_000, 20_000, 45_000, 1_000_000)] == [20, 10, 4, 4]


@pytest.mark.parametrize("method", ["hesso-cric", "magnitude", "taylor"])
def test_methods_without_periods_are_not_refused_for_them(method):
    assert CompactConfig(method=method, pruning_steps=5).pruning_steps == 5


def test_fewer_periods_than_asked_are_said():
    asked = CompactConfig(epochs=2, periods=50)
    (note,) = fewer_periods(asked, schedule_of(asked, 8))
    assert note.startswith("units fade in 3 of 50 periods, since there are 3 steps for it")
    for other in (CompactConfig(epochs=20, periods=50), CompactConfig(epochs=2, periods=50, method="hesso-cric")):
        assert fewer_periods(other, schedule_of(other, 100)) == ()
    removed = CompactConfig(epochs=2, periods=50, method="taylor")
    assert fewer_periods(removed, schedule_of(removed, 8)) == ()


def test_rates_that_are_none_are_refused_by_their_name():
    for text in ("0", "a", "nan"):
        with pytest.raises(ConfigurationError, match=f"rates '{text}' are not understood; .* for example 0.01,0.05"):
            multiples(text, name="rates", example="0.01,0.05")
