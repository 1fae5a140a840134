import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError
from archlock.models import with_new_head
from archlock.testing.attacks import HOPELESS, PLAN, target_task, trained_network
from archlock.training import fit

ATTACK = ATTACKS["fine_tune"]


def test_it_is_a_new_head_and_a_training_of_all_weights():
    model, task = trained_network(), target_task()
    adapted = ATTACK.adapt(model, task, setting=0.02, plan=PLAN, seed=4, device="cpu")
    expected = fit(with_new_head(model, task.signature, seed=4), task, PLAN.with_rate(0.02), seed=4)
    assert adapted.validation == expected.validation
    state = adapted.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in expected.model.state_dict().items())
    before = model.state_dict()
    weights = [name for name, parameter in model.named_parameters() if not name.startswith("head")]
    assert not any(torch.equal(before[name], state[name]) for name in weights)


def test_a_rate_that_is_too_high_is_no_outcome():
    words = (
        r"attack 'fine_tune' on 'digits': every setting diverged: \(1e\+30,\); .* diverged in epoch 1 at learning rate"
    )
    with pytest.raises(MeasurementError, match=words):
        ATTACK.run(trained_network(), target_task(), plan=PLAN, settings=(HOPELESS,), seed=0)
