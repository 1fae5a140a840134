import copy

import pytest
import torch
from torch import nn

from archlock.errors import UnsupportedError
from archlock.models import (
    Network,
    as_classifier,
    build,
    features_before_head,
    linear_head,
    reinitialised,
    with_kept_head,
    with_new_head,
)
from archlock.spaces import Architecture
from archlock.tasks import Signature

ARCHITECTURE = Architecture("nasbench201", "314321")
DIGITS = Signature("classification", (1, 8, 8), 10, (0.3,), (0.4,))
PAIR = Signature("classification", (1, 8, 8), 2, (0.6,), (0.1,))
IMAGES = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
IMAGE = Signature("dense", (1, 8, 8), 1, (0.3,), (0.4,))


def ours():
    return build(ARCHITECTURE, DIGITS, width=4, depth=1, seed=0)


def stranger():
    torch.manual_seed(0)
    hidden = (nn.Linear(64, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.5))
    model = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(12, 5))
    model[0].eval()  # a mode of its own, which must survive
    return model


def footprint(model):
    state = {name: value.clone() for name, value in model.state_dict().items()}
    hooks = [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in model.modules()]
    return state, [module.training for module in model.modules()], hooks, torch.random.get_rng_state()


def same(one, other):
    assert one[0].keys() == other[0].keys()
    assert all(torch.equal(value, other[0][name]) for name, value in one[0].items())
    assert one[1:3] == other[1:3]
    assert torch.equal(one[3], other[3])


@pytest.mark.parametrize("make", [ours, stranger])
@pytest.mark.parametrize(
    "use",
    [
        lambda model: with_new_head(model, PAIR, seed=1),
        lambda model: with_kept_head(model, PAIR, seed=1),
        lambda model: reinitialised(model, seed=1),
        lambda model: features_before_head(model, IMAGES),
    ],
)
def test_no_footprints(make, use):
    model = make()
    before = footprint(model)
    use(model)
    same(before, footprint(model))


@pytest.mark.parametrize("make", [ours, stranger])
def test_new_head_keeps_the_body(make):
    model = as_classifier(make(), DIGITS.shape)
    new = with_new_head(model, PAIR, seed=1)
    again, other = with_new_head(model, PAIR, seed=1), with_new_head(model, PAIR, seed=2)
    name = "head"
    assert new.eval()(IMAGES).shape == (4, 2)
    head = new.get_submodule(name)
    assert torch.equal(head.weight, again.get_submodule(name).weight)
    assert not torch.equal(head.weight, other.get_submodule(name).weight)
    assert head.bias.eq(0).all()
    for key, value in model.state_dict().items():
        if not key.startswith(name):
            assert torch.equal(value, new.state_dict()[key])


def test_new_head_between_kinds_and_back():
    dense = with_new_head(ours().eval(), IMAGE, seed=1)
    assert isinstance(dense, Network)
    assert dense(IMAGES).shape == (4, 1, 8, 8)
    back = with_new_head(dense, PAIR, seed=1)
    assert back(IMAGES).shape == (4, 2)
    torch.testing.assert_close(features_before_head(back, IMAGES), features_before_head(ours(), IMAGES))
    assert dense.signature == IMAGE


def test_new_head_follows_type_and_mode_of_the_old_one():
    head = with_new_head(ours().double().eval(), PAIR, seed=0).head
    assert head.weight.dtype == torch.float64
    assert not head.training


def test_a_model_that_is_a_head_gets_replaced():
    pixel = Signature("classification", (3, 1, 1), 2, (0.6,) * 3, (0.1,) * 3)
    assert with_new_head(nn.Conv2d(3, 7, 1), pixel, seed=0).head.weight.shape == (2, 3)


def test_impossible_heads():
    with pytest.raises(UnsupportedError, match="takes images of 1 channels, the task has 3; conform the task first"):
        with_new_head(ours(), Signature("classification", (3, 8, 8), 2, (0.5,) * 3, (0.5,) * 3), seed=0)
    with pytest.raises(UnsupportedError, match=r"Sequential is not a network of ours, .* not a dense one"):
        with_new_head(stranger(), IMAGE, seed=0)


def test_reinitialised_network_is_a_built_one():
    model = ours()
    model(torch.rand(8, 1, 8, 8))  # moves the running statistics
    fresh, built = reinitialised(model, seed=5), build(ARCHITECTURE, DIGITS, width=4, depth=1, seed=5)
    assert all(torch.equal(value, built.state_dict()[name]) for name, value in fresh.state_dict().items())


def test_reinitialised_stranger():
    model = stranger()
    model(torch.rand(8, 1, 8, 8))
    one, two, other = (reinitialised(model, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one[1].weight, two[1].weight)
    assert not torch.equal(one[1].weight, other[1].weight)
    assert not torch.equal(one[1].weight, model[1].weight)
    assert one[2].running_mean.eq(0).all()


def test_features_are_what_the_head_sees_in_evaluation_mode():
    images = torch.rand(5, 1, 8, 8)
    for model in (ours(), stranger()):
        features = features_before_head(model, images)
        assert not features.requires_grad
        head = as_classifier(model, DIGITS.shape).head
        torch.testing.assert_close(head(features), copy.deepcopy(model).eval()(images))


def test_features_of_a_dense_network_are_averaged():
    model = with_new_head(ours(), IMAGE, seed=0).eval()
    images = torch.rand(5, 1, 8, 8)
    maps = model.tail(model.cells(model.stem(model.normalise(images))))
    torch.testing.assert_close(features_before_head(model, images), maps.mean((2, 3)))


def test_features_of_a_model_that_fails_leave_no_hook():
    model = stranger()
    with pytest.raises(UnsupportedError, match=r"cannot take images"):
        features_before_head(model, torch.rand(5, 1, 9, 9))
    assert all(not module._forward_pre_hooks for module in model.modules())
    assert model.training


@pytest.mark.parametrize("make", [ours, stranger])
@pytest.mark.parametrize("outputs", [2, 12])
def test_a_kept_head_has_the_rows_of_the_old_one_and_new_ones_beyond(make, outputs):
    model = make()
    signature = Signature("classification", (1, 8, 8), outputs, (0.3,), (0.4,))
    given = as_classifier(model, DIGITS.shape)
    old, new = (linear_head(one) for one in (given, with_kept_head(model, signature, seed=1)))
    drawn = linear_head(with_new_head(model, signature, seed=1))
    kept = min(outputs, old.out_features)
    assert new.out_features == outputs
    assert torch.equal(new.weight, torch.cat([old.weight[:kept], drawn.weight[kept:]]))
    assert torch.equal(new.bias, torch.cat([old.bias[:kept], drawn.bias[kept:]]))
    assert not torch.equal(new.weight, drawn.weight)


def test_a_kept_head_without_bias_gets_one_of_zero():
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3, bias=False))
    assert linear_head(with_kept_head(model, PAIR, seed=0)).bias.eq(0).all()


def test_heads_that_cannot_be_kept():
    with pytest.raises(UnsupportedError, match=r"a dense task has none; give Network a new head"):
        with_kept_head(ours(), IMAGE, seed=0)
    with pytest.raises(UnsupportedError, match=r"the head of Network is a DenseDecoder, not the nn.Linear of a class"):
        with_kept_head(with_new_head(ours(), IMAGE, seed=0), PAIR, seed=0)
