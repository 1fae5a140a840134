import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError
from archlock.testing.attacks import HOPELESS, PLAN, target_task, trained_network
from archlock.training import fit, linear_probe

ATTACK = ATTACKS["lp_ft"]


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_it_trains_on_from_the_probe_and_the_better_of_the_two_counts():
    model, task = trained_network(), target_task()
    probed = linear_probe(model, task, seed=0)
    kept = []
    for rate in (0.05, 30.0):
        trained = fit(probed.model, task, PLAN.with_rate(rate), seed=0)
        adapted = ATTACK.adapt(model, task, setting=rate, plan=PLAN, seed=0, device="cpu")
        assert adapted.validation == max(probed.validation, trained.validation)
        kept.append(same(adapted.model, probed.model))
        assert kept[-1] or same(adapted.model, trained.model)
        assert kept[-1] == (probed.validation > trained.validation)
    assert kept[-1], "training at so high a rate spoils the probe"


def test_a_rate_that_is_too_high_is_no_outcome():
    with pytest.raises(
        MeasurementError, match=r"attack 'lp_ft' on 'digits': every setting diverged: \(1e\+30,\); the last"
    ):
        ATTACK.run(trained_network(), target_task(), plan=PLAN, settings=(HOPELESS,), seed=0)
