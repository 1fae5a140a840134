import pytest
import torch

from archlock.attacks import ATTACKS, Setting
from archlock.errors import MeasurementError
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives
from archlock.training import STRENGTHS, evaluate, linear_probe

ATTACK = ATTACKS["linear_probe"]


def test_it_is_the_probe_with_the_best_strength():
    model, task = trained_network(), target_task()
    outcome, probed = ATTACK.run(model, task, plan=PLAN, seed=0), linear_probe(model, task, seed=0)
    assert ATTACK.settings == STRENGTHS
    assert (outcome.setting, outcome.validation) == (Setting(probed.strength), probed.validation)
    assert outcome.trials == tuple((Setting(strength), score) for strength, score in probed.trials)
    assert outcome.test == evaluate(probed.model, task.test)


def test_the_body_is_frozen_and_the_plan_does_not_matter():
    model = trained_network()
    adapted = ATTACK.adapt(model, target_task(), setting=0.1, plan=PLAN, seed=0, device="cpu").model
    again = ATTACK.adapt(model, target_task(), setting=0.1, plan=PLAN.with_rate(9.0), seed=0, device="cpu").model
    state, before = adapted.state_dict(), model.state_dict()
    assert [name for name in before if not torch.equal(before[name], state[name])] == ["head.weight", "head.bias"]
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())


def test_a_dense_target_is_gained_as_well():
    assert ATTACK.run(trained_network(), small_negatives(), plan=PLAN, seed=0).test > 0.2


def test_a_ruined_model_is_no_outcome():
    model = trained_network()
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    with pytest.raises(MeasurementError, match="the features of the model are not finite numbers"):
        ATTACK.run(model, target_task(), plan=PLAN, seed=0)
