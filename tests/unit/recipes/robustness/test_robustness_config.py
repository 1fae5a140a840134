"""Which adversaries, within which epsilons: what can be meant, and what cannot."""

from typing import Any

import pytest

from archlock.adversaries import ADVERSARIES
from archlock.errors import ConfigurationError, UnknownNameError
from archlock.recipes import RobustnessConfig, parse_epsilons


def test_epsilons_are_fractions_or_numbers() -> None:
    assert parse_epsilons("2/255, 0.03,0") == (2 / 255, 0.03, 0.0)
    assert RobustnessConfig.of(epsilons="8/255,2/255,8/255").rising == (2 / 255, 8 / 255)
    assert RobustnessConfig().rising == (2 / 255, 4 / 255, 8 / 255)
    assert RobustnessConfig(norm="l2").rising == (0.25, 0.5, 1.0)


@pytest.mark.parametrize("text", ["", "a", "8/0", "8/", "1/2/3", "nan", "2/255,,4/255", "8 px"])
def test_what_is_no_number_is_said(text: str) -> None:
    with pytest.raises(ConfigurationError, match="are not understood; write numbers or fractions with commas"):
        parse_epsilons(text)


def test_defaults_are_all_that_know_the_norm() -> None:
    assert RobustnessConfig().chosen == tuple(ADVERSARIES) == ("fgsm", "pgd", "apgd", "square")
    assert RobustnessConfig(norm="l2").chosen == ("fgsm", "pgd", "apgd")
    assert RobustnessConfig(adversaries=("square", "fgsm")).chosen == ("fgsm", "square")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epsilons": (8.0,)}, "at most 1, as in 8/255; got 8; in grey levels of 0 to 255 write 8/255"),
        ({"epsilons": (-0.1,)}, "from 0 on, as in 8/255; got -0.1"),
        ({"epsilons": (float("nan"),)}, "epsilon is a number"),
        ({"epsilons": (0.1, "8/255")}, "epsilon is a number, .* got '8/255'"),
        ({"epsilons": 0.1}, r"epsilons are several numbers, .* got 0\.1"),
        ({"norm": "l1"}, "unknown norm 'l1'; known: linf, l2"),
        ({"adversaries": ("pdg",)}, "unknown adversary 'pdg'; known: fgsm, pgd, apgd, square"),
        ({"adversaries": "pgd"}, r"adversaries are several names, .* write \('pgd',\) for one"),
        ({"adversaries": ("square",), "norm": "l2"}, "square is not here in the norm 'l2'; leave it out"),
        ({"images": 0}, "images is a whole number, at least 1; got 0"),
        ({"steps": 0}, "steps of an adversary is a whole number, at least 1; got 0"),
        ({"queries": 2.5}, r"queries of an adversary is a whole number, at least 1; got 2\.5"),
        ({"seed": -1}, "a seed is a whole number from 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises((ConfigurationError, UnknownNameError), match=words):
        RobustnessConfig(**settings)
