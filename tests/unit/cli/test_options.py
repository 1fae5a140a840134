import pytest

from archlock.cli.options import arms_named, counts, multiples, percentages
from archlock.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "shares"), [("10,100", (0.1, 1.0)), ("100, 25", (0.25, 1.0)), ("0.5", (0.005,)), ("none", ())]
)
def test_percentages_are_shares_in_order(text: str, shares: tuple[float, ...]) -> None:
    assert percentages(text) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["", "10,", "0", "-5", "101", "nan", "half"])
def test_other_percentages_are_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        percentages(text)
    assert f"fractions {text!r} are not understood" in str(caught.value)


def test_horizons_and_shots_are_numbers_in_order() -> None:
    assert multiples("4, 1,0.5,4") == (0.5, 1.0, 4.0)
    assert counts("10, 1,10") == (1, 10)
    assert counts("") == ()


@pytest.mark.parametrize("text", ["", "1,", "0", "-1", "inf", "nan", "long"])
def test_other_horizons_are_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"horizons '{text}' are not understood"):
        multiples(text)


@pytest.mark.parametrize("text", ["1,", "0", "-1", "1.5", "few"])
def test_other_shots_are_shown(text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"shots '{text}' are not understood"):
        counts(text)


def test_arms_are_named_in_any_order_or_none() -> None:
    assert arms_named("same_size,random") == ("random", "same_size")
    assert arms_named("same_size") == ("same_size",)
    assert arms_named("none") == ()
    for wrong in ("", "all", "none,random"):
        with pytest.raises(ConfigurationError, match=f"arms '{wrong}' are not understood; write random, same_size"):
            arms_named(wrong)
