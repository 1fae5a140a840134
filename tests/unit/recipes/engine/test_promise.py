"""What is promised of candidates before they are trained."""

import numpy as np

from archlock.recipes.engine.promise import better_by, standardised


def test_better_by_takes_a_share_of_everything_and_at_least_so_many() -> None:
    lesson, shares = np.array([1.0, 4.0, 3.0, 2.0]), np.array([0.1, 0.3, 0.0, 0.4])
    assert better_by(lesson, shares, 0.3).tolist() == [0, 0.3, 0, 0]
    assert better_by(lesson, shares, 0.5).tolist() == [0, 0.3, 0, 0.4]
    assert better_by(lesson, shares, 0.1, least=3).tolist() == [0.1, 0.3, 0, 0.4]


def test_standardised_values_are_deviations_from_the_mean() -> None:
    assert standardised(np.array([1.0, 3.0])).tolist() == [-1, 1]
    assert standardised(np.array([2.0, 2.0])).tolist() == [0, 0]
