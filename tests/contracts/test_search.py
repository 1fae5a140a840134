import pickle

import numpy as np
import pytest

from archlock.errors import UnsupportedError
from archlock.search import STRATEGIES, Judgement, search
from archlock.spaces import SPACES
from archlock.testing.search import check_strategy

FIXED = ("nsga2", "differential_evolution", "shgo")
"""Strategies for codes of a fixed number of digits."""
PAIRS = [
    (name, space)
    for space in ("transnas101_micro", "transnas101_macro", "sizes", "locking_macro")
    for name in STRATEGIES
    if space in ("transnas101_micro", "transnas101_macro") or not name.startswith("epnas")  # (small ones say as much)
]


@pytest.mark.parametrize(("name", "space_name"), PAIRS)
def test_contract(name, space_name):
    space = SPACES[space_name]
    if name in FIXED and space_name == "transnas101_macro":
        words = rf"{name} needs codes of a fixed .* transnas101_macro has codes"
    elif name == "shgo" and space_name != "sizes":
        words = rf"shgo is a reproduction for at most 5 variables, and {space_name} has \d+: use differential_evolution"
    else:
        check_strategy(STRATEGIES[name], space, evaluations=26 if name.startswith("epnas") else 60)
        return
    with pytest.raises(UnsupportedError, match=words):
        STRATEGIES[name](space, seed=0)


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "exhaustive"])  # (that begins again for free)
def test_killed_and_taken_up_again_it_asks_the_same(name):
    space = SPACES["sizes" if name in FIXED else "transnas101_macro"]
    strategy = STRATEGIES[name](space, seed=5)
    for _ in range(4):
        resumed = pickle.loads(pickle.dumps(strategy))
        asked = tuple(strategy.ask())
        assert tuple(resumed.ask()) == asked
        strategy.tell(asked, Judgement(space.relative_cost(asked), np.zeros(len(asked))))


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_equal_scores_are_no_error(name):
    space = SPACES["sizes" if name in FIXED else "transnas101_macro"]
    trace = search(
        STRATEGIES[name](space, seed=0),
        lambda asked: Judgement(np.zeros(len(asked)), np.zeros(len(asked))),
        evaluations=24,
    )
    assert trace.evaluated == 24
