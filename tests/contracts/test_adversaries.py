"""Every adversary of the catalog keeps the contract."""

from collections.abc import Callable

import pytest

from archlock.adversaries import ADVERSARIES, Adversary
from archlock.testing.adversaries import ADVERSARY_CHECKS


@pytest.mark.parametrize("check", ADVERSARY_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ADVERSARIES)
def test_an_adversary_keeps_the_contract(name: str, check: Callable[[Adversary], None]) -> None:
    check(ADVERSARIES[name])
