import pytest

from archlock.execution import one_thread
from archlock.models import build
from archlock.tasks import KINDS
from archlock.testing.attacks import ARCHITECTURE, trained_network
from archlock.testing.small_tasks import small_task
from archlock.testing.transferability import ESTIMATE_CHECKS, STATE_CHECKS, digits_task
from archlock.transferability import ESTIMATES, STATE_ESTIMATES, Gbc, Knn, measure_estimates
from second_process import printed

VARIANTS = {"diagonal": Gbc("diagonal"), "euclidean": Knn(1, "euclidean")}


@pytest.mark.parametrize("name", [*ESTIMATES, *VARIANTS])
@pytest.mark.parametrize("check", ESTIMATE_CHECKS, ids=lambda check: check.__name__)
def test_every_estimate(check, name):
    check(VARIANTS[name] if name in VARIANTS else ESTIMATES[name])


@pytest.mark.parametrize("name", list(STATE_ESTIMATES))
@pytest.mark.parametrize("check", STATE_CHECKS, ids=lambda check: check.__name__)
def test_every_estimate_of_the_state(check, name):
    check(STATE_ESTIMATES[name])


def test_members_go_by_their_own_names():
    assert all(estimate.name == name for one in (ESTIMATES, STATE_ESTIMATES) for name, estimate in one.items())
    assert not set(ESTIMATES) & set(STATE_ESTIMATES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_estimate_says_which_kinds_it_has_a_meaning_for(kind):
    estimates, task = {**ESTIMATES, **STATE_ESTIMATES}, small_task(kind, train=60, validation=20, test=10)
    for value in measure_estimates(trained_network(), task, tuple(estimates), seed=0):
        assert (value.status == "valid") == estimates[value.name].supports(kind)
        assert value.status == "valid" or f"{value.name} has no meaning for a {kind} task" in value.note


def test_same_values_in_a_second_process():
    code = """
from archlock.execution import one_thread
from archlock.models import build
from archlock.testing.attacks import ARCHITECTURE
from archlock.testing.transferability import digits_task
from archlock.transferability import measure_estimates
task = digits_task()
with one_thread():
    print(measure_estimates(build(ARCHITECTURE, task.signature, width=4, depth=1, seed=0), task, seed=0))
"""
    task = digits_task()
    with one_thread():
        values = measure_estimates(build(ARCHITECTURE, task.signature, width=4, depth=1, seed=0), task, seed=0)
    assert all(value.status == "valid" for value in values)
    assert printed(code) == str(values)
