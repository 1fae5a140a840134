import pytest

from archlock.cli.options import device_named, percentages
from archlock.errors import ConfigurationError


@pytest.mark.parametrize(("text", "shares"), [("10,100", (0.1, 1.0)), ("100, 25", (0.25, 1.0)), ("0.5", (0.005,))])
def test_percentages_are_shares_in_order(text: str, shares: tuple[float, ...]) -> None:
    assert percentages(text) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["", "10,", "0", "-5", "101", "nan", "half"])
def test_other_percentages_are_shown(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        percentages(text)
    assert f"fractions {text!r} are not understood" in str(caught.value)


def test_a_device_is_there_or_an_error() -> None:
    assert device_named("cpu") == "cpu"
    assert device_named("auto") in ("cpu", "cuda")
    with pytest.raises(ConfigurationError, match=r"device 'cuda:99' is not to be had here .*; use --device cpu"):
        device_named("cuda:99")
