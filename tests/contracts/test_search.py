import pytest

from archlock.search import STRATEGIES
from archlock.spaces import SPACES
from archlock.testing.search import check_strategy


@pytest.mark.parametrize("name", list(STRATEGIES))
@pytest.mark.parametrize("space_name", ["transnas101_micro", "transnas101_macro"])
def test_contract(name, space_name):
    check_strategy(STRATEGIES[name], SPACES[space_name])
