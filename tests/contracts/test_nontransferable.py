import pytest

from archlock.attacks import ATTACKS
from archlock.testing.nontransferable import NONTRANSFERABLE_CHECKS, source_and_target, trained_on
from archlock.training import NONTRANSFERABLE, Plan


@pytest.mark.parametrize("name", list(NONTRANSFERABLE))
@pytest.mark.parametrize("check", NONTRANSFERABLE_CHECKS, ids=lambda check: check.__name__)
def test_every_nontransferable_training(check, name):
    check(NONTRANSFERABLE[name])


def test_members_go_by_their_own_names():
    assert all(training.name == name for name, training in NONTRANSFERABLE.items())


@pytest.mark.parametrize("name", ["linear_probe", "fine_tune", "renormalised", "cut_at"])
def test_attackers_run_on_such_a_network_as_on_any_other(name):
    model, (_, target) = trained_on(NONTRANSFERABLE["ntl"]).model, source_and_target()
    outcome = ATTACKS[name].run(model, target, plan=Plan(1, batch_size=8, shift=0.0), settings=(0.1,), seed=0)
    assert 0 <= outcome.test <= 1
