import pytest

from archlock.spaces import SPACES
from archlock.testing.spaces import SPACE_CHECKS


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("check", SPACE_CHECKS, ids=lambda check: check.__name__)
def test_every_space(check, name):
    check(SPACES[name])
