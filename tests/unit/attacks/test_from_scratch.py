import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError
from archlock.models import reinitialised
from archlock.testing.attacks import HOPELESS, PLAN, target_task, trained_network

ATTACK = ATTACKS["from_scratch"]


def test_the_weights_of_the_model_do_not_matter():
    model, task = trained_network(), target_task()
    other = reinitialised(model, seed=99)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.fill_(torch.nan)
    one, two = (ATTACK.run(m, task, plan=PLAN, settings=(0.1,), seed=0) for m in (model, other))
    assert (one.validation, one.test) == (two.validation, two.test)
    assert one.test > task.chance


def test_the_architecture_does():
    model = trained_network()
    adapted = ATTACK.adapt(model, target_task(), setting=0.1, plan=PLAN, seed=0, device="cpu").model
    assert adapted.architecture == model.architecture
    shapes = [p.shape for name, p in model.named_parameters() if not name.startswith("head")]
    assert [p.shape for name, p in adapted.named_parameters() if not name.startswith("head")] == shapes


def test_a_rate_that_is_too_high_is_no_outcome():
    with pytest.raises(
        MeasurementError, match=r"attack 'from_scratch' on 'digits': every setting diverged: \(1e\+30,\); the last"
    ):
        ATTACK.run(trained_network(), target_task(), plan=PLAN, settings=(HOPELESS,), seed=0)
