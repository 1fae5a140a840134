import pytest

from archlock.errors import UnsupportedError
from archlock.search import STRATEGIES
from archlock.spaces import SPACES
from archlock.testing.search import check_strategy

FIXED = ("nsga2", "differential_evolution", "shgo")
"""Strategies for codes of a fixed number of digits."""


@pytest.mark.parametrize("name", list(STRATEGIES))
@pytest.mark.parametrize("space_name", ["transnas101_micro", "transnas101_macro", "sizes"])
def test_contract(name, space_name):
    space = SPACES[space_name]
    if name in FIXED and space_name == "transnas101_macro":
        words = rf"{name} needs codes of a fixed .* transnas101_macro has codes"
    elif name == "shgo" and space_name == "transnas101_micro":
        words = (
            "shgo is a reproduction for at most 5 variables, and transnas101_micro has 6: use differential_evolution"
        )
    else:
        check_strategy(STRATEGIES[name], space)
        return
    with pytest.raises(UnsupportedError, match=words):
        STRATEGIES[name](space, seed=0)
