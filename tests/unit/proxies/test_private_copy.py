import copy

import pytest
import torch
from torch import nn

from archlock.proxies.private_copy import private_copy
from proxy_networks import residual


class Odd(nn.Module):
    """Holds what modules hold rarely: a tied weight, a shared module, lists of modules and tensors, itself."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.again = self.first
        self.notes = [self.first, {"mean": torch.ones(2)}]
        self.register_buffer("mean", torch.ones(2))
        self.same = self.mean
        self.me = {"self": [self]}


class Counted(nn.Module):
    def __deepcopy__(self, memo):
        return nn.Identity()


def test_equal_and_apart():
    model = residual()
    model.norm.eval()
    model.stem.requires_grad_(False)
    twin = private_copy(model)
    assert str(twin) == str(model)
    for (name, own), (other, given) in zip(twin.state_dict().items(), model.state_dict().items(), strict=True):
        assert name == other
        assert torch.equal(own, given)
        assert own.data_ptr() != given.data_ptr()
    assert [m.training for m in twin.modules()] == [m.training for m in model.modules()]
    assert [p.requires_grad for p in twin.parameters()] == [p.requires_grad for p in model.parameters()]
    assert {type(p) for p in twin.parameters()} == {nn.Parameter}
    for own, given in zip(twin.modules(), model.modules(), strict=True):
        assert sorted(vars(own)) == sorted(vars(given))
        assert own._modules is not given._modules
        assert own._forward_hooks is not given._forward_hooks


def test_what_is_one_thing_stays_one_thing():
    model = Odd()
    twin = private_copy(model)
    assert twin.first is not model.first
    assert twin.again is twin.first
    assert twin.notes[0] is twin.first
    assert twin.second.weight is twin.first.weight
    assert twin.same is twin.mean
    assert twin.mean is not model.mean
    assert twin.me["self"][0] is twin
    assert twin.notes[1]["mean"] is not model.notes[1]["mean"]


def test_who_says_how_it_is_copied_is_obeyed():
    assert isinstance(private_copy(nn.Sequential(Counted()))[0], nn.Identity)


def test_what_cannot_be_copied_says_so():
    model = nn.Linear(2, 2)
    model.trace = (name for name in "ab")
    for way in (copy.deepcopy, private_copy):
        with pytest.raises(TypeError, match="generator"):
            way(model)
