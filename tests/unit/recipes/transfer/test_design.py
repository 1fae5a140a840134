"""A balanced design: every level as often as any other, pair by pair, from the first few on."""

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.recipes.transfer.design import balanced
from archlock.spaces import SPACES

SPACE = SPACES["locking_macro"]


def test_levels_and_pairs_of_levels_are_in_balance():
    chosen = balanced(SPACE, 60, seed=0)
    assert len(set(chosen)) == 60
    choices = SPACE.choices(chosen).values
    axes = np.split(np.arange(choices.shape[1]), np.cumsum([2, 2, 2, 3, 2, 3, 3, 3, 2, 3, 5])[:-1])
    together = choices.T @ choices
    for place, one in enumerate(axes):
        counts = choices[:, one].sum(axis=0)
        assert np.ptp(counts) <= 2
        for other in axes[:place]:
            expected = 60 / (len(one) * len(other))
            assert np.abs(together[np.ix_(one, other)] - expected).max() <= 2.5


def test_every_beginning_is_the_design_of_fewer():
    assert balanced(SPACE, 24, seed=0)[:12] == balanced(SPACE, 12, seed=0)
    assert balanced(SPACE, 12, seed=0) != balanced(SPACE, 12, seed=1)


def test_only_functions_within_the_costs_are_chosen():
    chosen = balanced(SPACE, 16, costs=(1.5, 3.0), seed=0)
    assert all(1.5 <= cost <= 3.0 for cost in SPACE.relative_cost(chosen))
    assert all(SPACE.simplify(one) == one for one in chosen)
    words = r"locking_macro has \d+ functions of a relative cost from 80 to 90; got 9 to choose \(costs of all are 0\.04 to 81"
    with pytest.raises(ConfigurationError, match=words):
        balanced(SPACE, 9, costs=(80, 90), seed=0)


def test_cells_are_in_balance_as_well():
    space = SPACES["nasbench201"]
    choices = space.choices(balanced(space, 50, seed=0)).values
    counts = choices.sum(axis=0)
    assert counts.min() >= 7
    assert counts.max() <= 13
