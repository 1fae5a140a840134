import torch
from torch import nn

from archlock.attacks import ATTACKS
from archlock.models import Classifier, Network, opened, widened, with_new_head
from archlock.models.surgery import OpenedCell
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives
from archlock.training import batch_of, fit

ATTACK = ATTACKS["surgery"]


def opened_cells(model):
    return len([module for module in model.modules() if isinstance(module, OpenedCell)])


def test_it_opens_widens_and_trains_all_weights():
    model, task = trained_network(), target_task()
    adapted = ATTACK.adapt(model, task, setting=0.05, plan=PLAN, seed=2, device="cpu")
    images = batch_of(task.train).images
    begun = widened(opened(with_new_head(model, task.signature, seed=2), images, seed=2), task.signature, seed=2)
    expected = fit(begun, task, PLAN.with_rate(0.05), seed=2)
    assert adapted.validation == expected.validation
    after, before = adapted.model.state_dict(), begun.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in expected.model.state_dict().items())
    assert opened_cells(adapted.model) == 6
    weights = [name for name, _ in begun.named_parameters()]
    assert not [name for name in weights if torch.equal(before[name], after[name])]


def test_a_dense_target_is_opened_and_not_widened():
    task = small_negatives(train=64, validation=20, test=20)
    adapted = ATTACK.adapt(trained_network(), task, setting=0.05, plan=PLAN, seed=0, device="cpu").model
    assert isinstance(adapted, Network)
    assert opened_cells(adapted) == 3


def test_a_model_with_nothing_to_open_still_gets_a_tower():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3))
    adapted = ATTACK.adapt(model, target_task(), setting=0.05, plan=PLAN, seed=0, device="cpu").model
    assert isinstance(adapted, Classifier)
    assert (adapted.head.in_features, adapted.head.out_features) == (16, 5)
