import pytest

from archlock.errors import UnsupportedError
from archlock.search import STRATEGIES
from archlock.spaces import SPACES
from archlock.testing.search import check_strategy


@pytest.mark.parametrize("name", list(STRATEGIES))
@pytest.mark.parametrize("space_name", ["transnas101_micro", "transnas101_macro", "locking_macro"])
def test_contract(name, space_name):
    space = SPACES[space_name]
    if name == "nsga2" and space_name == "transnas101_macro":
        with pytest.raises(UnsupportedError, match=r"nsga2 needs codes of a fixed .* transnas101_macro has codes"):
            STRATEGIES[name](space, seed=0)
        return
    check_strategy(STRATEGIES[name], space)
