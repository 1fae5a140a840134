import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from archlock.models import copy_without_old_hooks, reinitialised
from archlock.models.old_hooks import has_old_hooks


def pruned() -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 3))
    prune.l1_unstructured(model[1], "weight", 0.5)
    prune.random_unstructured(model[1], "weight", 0.2)  # (the second one on top of the first)
    prune.random_unstructured(model[3], "bias", 1)
    return model


def test_a_pruned_model_is_copied_and_its_zeros_stay_while_it_trains():
    model, images = pruned(), torch.rand(8, 1, 8, 8)
    with pytest.raises(RuntimeError):
        copy.deepcopy(model)
    found = copy_without_old_hooks(model)
    assert has_old_hooks(model)
    assert not has_old_hooks(found)
    assert torch.equal(found(images), model(images))
    gone = model[1].weight == 0
    assert gone.float().mean() > 0.5
    again = copy.deepcopy(found)
    for one in (model, again):
        descent = torch.optim.SGD(one.parameters(), lr=0.5)
        for _ in range(3):
            descent.zero_grad()
            nn.functional.cross_entropy(one(images), torch.arange(8) % 3).backward()
            descent.step()
    torch.testing.assert_close(again(images), model(images))
    assert torch.equal(again[1].weight == 0, gone)
    assert not torch.equal(again[1].weight, found[1].weight)


def test_a_pruned_model_is_begun_anew_with_its_zeros():
    found = copy_without_old_hooks(pruned())
    fresh = reinitialised(found, seed=0)
    assert torch.equal(fresh[1].weight == 0, found[1].weight == 0)
    kept = found[1].weight != 0
    assert not (fresh[1].weight[kept] == found[1].weight[kept]).any()


def test_weights_of_an_old_spectral_norm_are_loaded_into_its_copy():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.utils.spectral_norm(nn.Linear(64, 3)))
    found = copy_without_old_hooks(model)
    found.load_state_dict({name: value.clone() for name, value in found.state_dict().items()})
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(found.eval()(images), model.eval()(images))
    model.load_state_dict(model.state_dict())
