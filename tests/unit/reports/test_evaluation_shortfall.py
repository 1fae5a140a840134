"""By how much a floor is missed, in words."""

import pytest

from archlock.reports.evaluation_shortfall import Shortfall, amount, noise_text, shortfall_text


@pytest.mark.parametrize(
    ("value", "metric", "unit", "expected"),
    [
        (0.314, "accuracy", "%", "0.31 points of accuracy"),
        (0.0031, "accuracy", "", "0.31 points of accuracy"),
        (0.00004, "pixel accuracy", "", "0.0040 points of pixel accuracy"),
        (1.0, "accuracy", "%", "1.00 point of accuracy"),
        (0.00423, "ssim", "", "0.0042 of ssim"),
        (12.3, "negative loss", "nats", "12 nats of negative loss"),
        (0.0, "ssim", "", "0 of ssim"),
    ],
)
def test_an_amount_is_in_the_unit_of_the_source(value: float, metric: str, unit: str, expected: str) -> None:
    assert amount(value, metric, unit) == expected


def test_sources_that_are_measured_alike_are_told_together() -> None:
    """Means over runs: three that miss on a, one on b; the noise only where it is known of all."""
    a = Shortfall("a", 9, 3, 1.0, 0.2, "accuracy", "%", 0.3)
    b = Shortfall("b", 9, 1, 5.0, 0.6, "accuracy", "%", None)
    c = Shortfall("c", 9, 4, 0.5, 0.01, "ssim", "", 0.02)
    assert shortfall_text([a]) == (
        "by 1.00 percentile points on average: 0.20 points of accuracy on a "
        "(noise of one training: 0.30 points of accuracy)"
    )
    assert shortfall_text([a, b, c]).replace("\N{NO-BREAK SPACE}", " ") == (
        "by 1.25 percentile points on average: 0.30 points of accuracy on 2 sources, "
        "0.010 of ssim on c (noise of one training: 0.020 of ssim)"
    )
    assert (noise_text(b), noise_text(c)) == ("not known", "0.020 of ssim")
