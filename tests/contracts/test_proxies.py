import pytest

from archlock.proxies import PROXIES, PUBLISHED_SEVEN
from archlock.testing.proxies import PROXY_CHECKS, same_in_another_process


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("check", PROXY_CHECKS, ids=lambda check: check.__name__)
def test_every_proxy(check, name):
    check(PROXIES[name])


def test_every_proxy_is_the_same_in_another_process():
    same_in_another_process(list(PROXIES.values()))


def test_members_go_by_their_own_names():
    assert all(proxy.name == name for name, proxy in PROXIES.items())


def test_the_published_seven_are_members():
    assert set(PUBLISHED_SEVEN) <= set(PROXIES)
