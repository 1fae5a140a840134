import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from archlock.attacks import ATTACKS
from archlock.attacks.regrown import regrown_for
from archlock.errors import MeasurementError
from archlock.models import as_classifier
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, batch_of, fit, linear_probe

ATTACK = ATTACKS["regrown"]
PLAN = Plan(6, batch_size=16, shift=0.0)
TARGET = small_digits(train=120, validation=80, test=150, labels=(5, 6, 7, 8, 9))


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    """Convolutions and a mean over the places, trained on the digits 0 to 4."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 16, 3), nn.BatchNorm2d(16)]
    model = nn.Sequential(*layers, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))
    source = small_digits(train=150, validation=20, test=2, labels=(0, 1, 2, 3, 4))
    return fit(model, source, PLAN, seed=0).model


def zeroed(model: nn.Module, kept: int = 2) -> nn.Module:
    """All channels but some are gone, weights, scales and all, as structured pruning leaves them."""
    copied = copy.deepcopy(model)
    with torch.no_grad():
        for layer, norm in ((copied[0], copied[1]), (copied[3], copied[4])):
            for part in (layer.weight, layer.bias, norm.weight, norm.bias, norm.running_mean):
                part[kept:] = 0
    return copied


def folded(model: nn.Module) -> nn.Module:
    """Normalisation in the convolutions, and the channels between them of wildly different size."""
    hidden, scale = copy.deepcopy(model).eval(), 10.0 ** torch.linspace(-2, 3, 12)
    for place in (0, 3):
        hidden[place] = torch.nn.utils.fuse_conv_bn_eval(hidden[place], hidden[place + 1])
        hidden[place + 1] = nn.Identity()
    with torch.no_grad():
        hidden[0].weight.mul_(scale[:, None, None, None])
        hidden[0].bias.mul_(scale)
        hidden[3].weight.div_(scale[:, None, None])
    return hidden


@pytest.mark.parametrize("hide", [lambda model: model, folded])
def test_most_channels_zeroed_stop_fine_tuning_and_take_nothing_from_who_regrows(trained, hide):
    asked = {"plan": PLAN, "settings": (0.2,), "seed": 1}
    pruned = hide(zeroed(trained))
    known = ATTACK.run(trained, TARGET, **asked).test
    assert ATTACK.run(pruned, TARGET, **asked).test > known - 0.05
    assert known > 0.85
    for other in ("fine_tune", "lp_ft", "renormalised"):
        try:
            assert ATTACKS[other].run(pruned, TARGET, **asked).test < known - 0.2
        except MeasurementError as error:
            assert "diverged" in str(error)  # noqa: PT017  (nor is that anything)


def test_it_answers_the_same_until_it_is_trained(trained):
    pruned = as_classifier(zeroed(trained), TARGET.shape)
    images = batch_of(TARGET.test).images
    with torch.no_grad():
        expected = pruned(images)
        ready = regrown_for(pruned, TARGET, seed=0, device="cpu")
        assert (ready(images) - expected).abs().max() < 1e-4 * expected.abs().max()
    assert not any(torch.equal(one, torch.zeros_like(one)) for one in ready.body.model[3].layer.weight)


def test_it_regrows_fits_a_head_and_trains_all_with_clipped_gradients(trained):
    pruned = zeroed(trained)
    adapted = ATTACK.adapt(pruned, TARGET, setting=0.1, plan=PLAN, seed=3, device="cpu")
    probed = linear_probe(regrown_for(pruned, TARGET, seed=3, device="cpu"), TARGET, seed=3)
    expected = fit(probed.model, TARGET, replace(PLAN.with_rate(0.1), clip=1.0), seed=3)
    assert adapted.validation == expected.validation > probed.validation
    found = adapted.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.model.state_dict().items())


def test_a_ruined_model_is_no_outcome(trained):
    ruined = copy.deepcopy(trained)
    ruined[3].weight.data.fill_(torch.nan)
    with pytest.raises(MeasurementError, match="not finite"):
        ATTACK.run(ruined, TARGET, plan=PLAN, seed=0)
