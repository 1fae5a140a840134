"""A balanced design: every level as often as any other, pair by pair, from the first few on."""

from operator import ne

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.recipes import TransferConfig
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


def test_every_beginning_is_the_design_of_fewer_and_costs_are_kept():
    chosen = balanced(SPACE, 16, costs=(1.5, 3.0), seed=0)
    assert balanced(SPACE, 6, costs=(1.5, 3.0), seed=0) == chosen[:6]
    assert all(1.5 <= cost <= 3.0 for cost in SPACE.relative_cost(chosen))
    assert all(SPACE.simplify(one) == one for one in chosen)


def test_costs_that_nothing_has_are_told_what_there_is():
    space = SPACES["transnas101_macro"]
    words = r"transnas101_macro has 0 such functions of a relative cost from 800 to 900; got 9 to choose \(costs of "
    with pytest.raises(ConfigurationError, match=words):
        balanced(space, 9, costs=(800, 900), seed=0)


def test_near_a_sensible_architecture():
    """At most so many levels are others, of a simplified code one more; every level is there."""
    chosen = balanced(SPACE, 60, near=3, seed=0)
    begin = SPACE.sensible().code
    assert max(sum(map(ne, one.code, begin)) for one in chosen) <= 4
    assert len(set(chosen)) == 60
    assert (SPACE.choices(chosen).values.sum(axis=0) >= 5).all()
    alone = balanced(SPACE, len(SPACE.neighbours(SPACE.sensible())) + 1, near=1, seed=0)
    assert set(alone) == {SPACE.simplify(one) for one in (SPACE.sensible(), *SPACE.neighbours(SPACE.sensible()))}


def test_near_nothing():
    with pytest.raises(ConfigurationError, match="nasbench201 has no sensible architecture to be near to"):
        TransferConfig("nasbench201", design="balanced", near=2)
    with pytest.raises(ConfigurationError, match="costs and near are limits of the balanced design"):
        TransferConfig("locking_macro", near=2)
