import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.testing.attacks import ATTACK_CHECKS, PLAN, target_task, trained_network
from second_process import printed


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("check", ATTACK_CHECKS, ids=lambda check: check.__name__)
def test_every_attack(check, name):
    check(ATTACKS[name])


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_says_what_it_is(name):
    attack = ATTACKS[name]
    assert attack.name == name
    assert attack.summary
    assert attack.uses_weights == (name not in {"from_scratch", "ordinary"})
    assert attack.uses_architecture == (name != "ordinary")
    assert attack.settings
    assert all(setting.value > 0 for setting in attack.starts())


def test_same_outcomes_in_a_second_process():
    code = """
import torch
torch.set_num_threads(1)
from archlock.attacks import ATTACKS
from archlock.testing.attacks import PLAN, target_task, trained_network
model = trained_network()
for attack in ATTACKS.values():
    outcome = attack.run(model, target_task(), plan=PLAN, settings=attack.settings[:1], seed=0)
    print((outcome.setting, outcome.validation, outcome.test, outcome.trials))
"""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    model = trained_network()
    outcomes = [
        attack.run(model, target_task(), plan=PLAN, settings=attack.settings[:1], seed=0) for attack in ATTACKS.values()
    ]
    torch.set_num_threads(before)
    assert printed(code).splitlines() == [str((o.setting, o.validation, o.test, o.trials)) for o in outcomes]
