import copy

import torch
from torch import nn

from archlock.attacks import ATTACKS
from archlock.attacks.pruned import without_small_weights
from archlock.models import as_classifier, with_new_head
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.training import fit


def body_weights(model):
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m is not model.head]
    return torch.cat([layer.weight.detach().flatten() for layer in layers])


def test_the_smallest_half_of_the_body_is_zero_and_all_else_as_it_was():
    torch.manual_seed(0)
    stranger = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(108, 6), nn.Linear(6, 5))
    for model in (trained_network(), as_classifier(stranger, (1, 8, 8))):
        before = copy.deepcopy(model.state_dict())
        pruned = without_small_weights(model)
        given, left = body_weights(model), body_weights(pruned)
        assert int((left == 0).sum()) == round(len(left) / 2)
        assert given[left == 0].abs().max() <= given[left != 0].abs().min()
        assert torch.equal(left[left != 0], given[left != 0])
        assert pruned.state_dict().keys() == before.keys()
        other = [n for n, value in pruned.state_dict().items() if value.ndim <= 1 or n.startswith("head")]
        assert all(torch.equal(pruned.state_dict()[name], before[name]) for name in other)
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert not any(module._forward_pre_hooks for module in pruned.modules())
        assert all(parameter.is_leaf and parameter.requires_grad for parameter in pruned.parameters())


def test_a_head_alone_has_nothing_to_prune():
    model = as_classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), (1, 8, 8))
    assert torch.equal(without_small_weights(model).head.weight, model.head.weight)


def test_weights_that_are_computed_are_pruned_where_they_come_from():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(64, 6))
    model = as_classifier(nn.Sequential(nn.Flatten(), layer, nn.ReLU(), nn.Linear(6, 3)), (1, 8, 8))
    assert int((body_weights(without_small_weights(model)) == 0).sum()) == 192


def test_it_is_fine_tuning_from_there_and_the_zeros_may_grow():
    model, task = trained_network(), target_task()
    adapted = ATTACKS["pruned"].adapt(model, task, setting=0.05, plan=PLAN, seed=2, device="cpu")
    fresh = with_new_head(without_small_weights(model), task.signature, seed=2)
    expected = fit(fresh, task, PLAN.with_rate(0.05), seed=2)
    assert adapted.validation == expected.validation
    assert torch.equal(body_weights(adapted.model), body_weights(expected.model))
    still = (body_weights(adapted.model) == 0).double().mean()
    assert still < 0.02, "but for weights of channels that are silent"
