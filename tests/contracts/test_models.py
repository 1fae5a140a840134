import pytest

from archlock.models import BUILDERS
from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.testing.models import BUILDER_CHECKS

SPECIAL = {
    "nasbench201": ("000000", "111111", "333333", "030000", "000100"),  # the fourth: an edge that leads nowhere
    "transnas101_micro": ("000000", "111111", "333333", "030000"),
    "transnas101_macro": ("1114", "444111", "333322"),
    "sizes": ("11111", "88888", "12345", "81818"),
    "mobilenet_macro": ("00000000", "11111111", "22222222", "10012000"),
    "locking_macro": ("00110100000", "11021222124", "10020120011", "01110022022"),
}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("check", BUILDER_CHECKS, ids=lambda check: check.__name__)
def test_every_builder(check, name):
    space = SPACES[name]
    rng = rng_for(0, name)
    check([*map(space.architecture, SPECIAL[name]), *(space.sample(rng) for _ in range(3))])


def test_every_space_has_a_builder():
    assert list(BUILDERS) == list(SPACES)
