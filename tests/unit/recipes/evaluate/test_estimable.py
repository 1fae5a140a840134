"""When a floor cannot be estimated: the standard error against a simulation, and what is said."""

from dataclasses import replace

import numpy as np
import pytest

from archlock.recipes import chosen_contenders
from archlock.recipes.evaluate.estimable import FEWEST, LARGEST_ERROR, doubts, relative_error
from archlock.reports import FloorValue
from archlock.tables import Allowance

ENOUGH = FloorValue("a", 90.0, "accuracy", "%", FEWEST)


def test_the_error_is_that_of_a_sample_without_replacement() -> None:
    rng = np.random.default_rng(0)
    above = rng.hypergeometric(30, 270, 60, size=40_000) / 60
    assert relative_error(0.1, 60, 300) == pytest.approx(above.std() / 0.1, rel=0.02)


def test_nothing_trained_says_nothing_and_everything_trained_says_all() -> None:
    assert relative_error(0.1, 0, 300) == float("inf")
    assert relative_error(0.1, 300, 300) == relative_error(0.1, 400, 300) == 0.0


@pytest.mark.parametrize(
    ("allowance", "floor", "architectures", "enough"),
    [
        (Allowance(150, 40), 0.97, 4096, True),
        (Allowance(40, 20), 0.9, 152, True),
        (Allowance(40, 20), 0.97, 4096, False),
        (Allowance(0, 40), 0.97, 15_625, False),
        (Allowance(150, 40), 0.99, 15_625, False),
    ],
)
def test_the_usual_settings(allowance: Allowance, floor: float, architectures: int, enough: bool) -> None:
    trainings = allowance.trainings + allowance.finalists
    assert (relative_error(1 - floor, trainings, architectures) <= LARGEST_ERROR) == enough
    said = doubts(
        [ENOUGH], chosen_contenders(("s", "tk"), allowance=allowance), floor=floor, architectures=architectures
    )
    assert (said == ()) == enough


def test_what_is_said() -> None:
    contenders = chosen_contenders(("tu",), ("lock", "zero_cost", "structure_feasible"), allowance=Allowance(150, 40))
    few = replace(ENOUGH, source="b", different=FEWEST - 1)
    first, second = doubts([ENOUGH, few], contenders, floor=0.97, architectures=15_625)
    assert "percentile 97 is kept by few different architectures (19 on b; fewer than 20 are few)" in first
    assert second == (
        "The source floor at percentile 97 is too high for the allowance of zero_cost tu: 40 trainings on the source "
        "estimate the share above it (3 %) with a standard error of 2.7 points. A lower floor or a larger --budget "
        "says more."
    )
    nothing = chosen_contenders(("tu",), ("zero_cost",), allowance=Allowance(0, 0))
    (only,) = doubts([ENOUGH], nothing, floor=0.97, architectures=15_625)
    assert "0 trainings on the source say nothing of where it lies" in only
