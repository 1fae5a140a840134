from dataclasses import replace

import pytest
import torch
from torch import nn

from archlock.attacks import ATTACKS
from archlock.attacks.surgery import operated
from archlock.models import Classifier, Network, as_classifier, widened
from archlock.models.rebalancing import Normalised
from archlock.models.surgery import OpenedCell, OpenedModule
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives
from archlock.training import batch_of, fit, linear_probe

ATTACK = ATTACKS["surgery"]
SHORT = replace(PLAN, epochs=1)


def count(model, kind):
    return len([module for module in model.modules() if isinstance(module, kind)])


def test_it_renormalises_opens_fits_a_head_widens_and_trains_all_weights():
    model, task = trained_network(), target_task()
    adapted = ATTACK.adapt(model, task, setting=0.05, plan=PLAN, seed=2, device="cpu")
    probed = linear_probe(operated(model, task, seed=2, device="cpu"), task, seed=2)
    begun = widened(probed.model, seed=2)
    expected = fit(begun, task, replace(PLAN.with_rate(0.05), clip=1.0), seed=2)
    assert adapted.validation == expected.validation >= probed.validation
    after, before = adapted.model.state_dict(), begun.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in expected.model.state_dict().items())
    assert count(adapted.model, OpenedCell) == 6
    assert count(adapted.model, Normalised) > 6
    weights = [name for name, part in begun.named_parameters() if part.ndim > 1]
    assert not [name for name in weights if torch.equal(before[name], after[name])]


def blocks() -> nn.Module:
    """Normalisation, an identity and a pooling that hand maps on."""
    torch.manual_seed(3)
    layers = [nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Identity(), nn.Conv2d(6, 6, 1)]
    model = nn.Sequential(*layers, nn.ReLU(), nn.AvgPool2d(3, 1, 1), nn.Flatten(), nn.Linear(384, 5))
    model.train()(batch_of(target_task().train).images)
    return model.eval()


@pytest.mark.parametrize("make", [trained_network, blocks])
def test_it_answers_the_same_until_it_is_trained(make):
    model, task = as_classifier(make(), (1, 8, 8)).eval(), target_task()
    ready = operated(model, task, seed=0, device="cpu")
    wider = widened(ready, seed=0)
    images = batch_of(task.test).images
    with torch.no_grad():
        expected = model(images)
        for one in (ready, wider):
            assert (one(images) - expected).abs().max() < 1e-4 * expected.abs().max()


def test_what_is_left_of_a_folded_normalisation_is_not_opened():
    ready = operated(blocks(), target_task(), seed=0, device="cpu")
    found = [name.removeprefix("body.model.") for name, part in ready.named_modules() if isinstance(part, OpenedModule)]
    assert found == ["3", "6"]


def test_a_dense_target_is_opened_and_not_widened():
    task = small_negatives(train=64, validation=20, test=20)
    adapted = ATTACK.adapt(trained_network(), task, setting=0.05, plan=SHORT, seed=0, device="cpu").model
    assert isinstance(adapted, Network)
    assert count(adapted, OpenedCell) == 3


def test_a_model_with_nothing_to_open_still_gets_a_tower():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3))
    adapted = ATTACK.adapt(model, target_task(), setting=0.2, plan=PLAN, seed=0, device="cpu").model
    assert isinstance(adapted, Classifier)
    assert (adapted.head.in_features, adapted.head.out_features) == (16, 5)
