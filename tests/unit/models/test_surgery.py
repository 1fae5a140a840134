import copy

import pytest
import torch
from torch import nn

from archlock.errors import UnsupportedError
from archlock.models import as_classifier, build, opened, widened, with_new_head
from archlock.models.cell import Cell
from archlock.models.operations import ConvolutionNorm
from archlock.models.surgery import OpenedCell, OpenedModule
from archlock.spaces import Architecture
from archlock.tasks import Signature

DIGITS = Signature("classification", (1, 8, 8), 10, (0.3,), (0.4,))
NEGATIVES = Signature("dense", (1, 8, 8), 1, (0.3,), (0.4,))
IMAGES = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
EDGES = {"0-1", "0-2", "1-2", "0-3", "1-3", "2-3"}
CODES = (
    ("nasbench201", "314321"),
    ("nasbench201", "000100"),  # one skip from input to output, all else missing
    ("nasbench201", "100400"),  # 0-1 leads nowhere
    ("nasbench201", "000123"),  # two edges from nodes that nothing reaches
    ("transnas101_micro", "130102"),
    ("transnas101_micro", "000100"),
)
FULL = ("nasbench201", "333333")
CONSTANTS = (("nasbench201", "000000"), ("transnas101_micro", "010000"))
MACRO = ("transnas101_macro", "1431")


def network(space, code, *, prune=True, signature=DIGITS):
    """With statistics and scales that are not those of the first day."""
    model = build(Architecture(space, code), signature, width=3, depth=1, prune=prune, seed=0)
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    return model.eval()


class Stranger(nn.Module):
    """Pooling and identities between feature maps, and some that must stay as they are."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(3, 1, 1))
        self.skip, self.shrink, self.wider = nn.Identity(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 1)
        self.twice = nn.Identity()
        self.late, self.hidden, self.linear = nn.Identity(), nn.Linear(96, 8), nn.Linear(8, 3)

    def forward(self, images):
        maps = self.skip(self.first(images))
        maps = self.twice(self.wider(self.shrink(self.twice(maps))))
        return self.linear(self.hidden(self.late(maps.flatten(1))))


def chain():
    return nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(64, 3)))


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("code", [*CODES, FULL, MACRO])
def test_an_opened_network_computes_the_same(code, prune):
    model = network(*code, prune=prune)
    state = copy.deepcopy(model.state_dict())
    new = opened(model, IMAGES, seed=0)
    with torch.no_grad():
        assert torch.equal(new(IMAGES), model(IMAGES))
    assert not new.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert not any(isinstance(module, OpenedCell | OpenedModule) for module in model.modules())


@pytest.mark.parametrize("code", CONSTANTS)
def test_an_opened_constant_is_that_constant(code):
    """But for the last bit: zeros that are computed lie in memory in another order, and sums follow it."""
    model = network(*code)
    with torch.no_grad():
        torch.testing.assert_close(opened(model, IMAGES, seed=0)(IMAGES), model(IMAGES))


@pytest.mark.parametrize("code", [*CODES, FULL, *CONSTANTS])
def test_every_edge_of_every_cell_has_a_3x3_convolution(code):
    model = network(*code)
    cells = [module for module in opened(model, IMAGES, seed=0).modules() if isinstance(module, OpenedCell)]
    assert len(cells) == len([module for module in model.modules() if isinstance(module, Cell)])
    for cell in cells:
        convolutions = {
            name
            for part in (cell.operations, cell.branches)
            for name, module in part.items()
            if isinstance(module, ConvolutionNorm) and module.convolution.kernel_size == (3, 3)
        }
        assert convolutions == EDGES


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("code", CODES)
def test_what_was_opened_really_learns(code, prune):
    """After some steps of descent every branch, also one on a path that was missing, has moved in weights and scale."""
    model = opened(network(*code, prune=prune), IMAGES, seed=0).train()
    before = copy.deepcopy(model.state_dict())
    descent = torch.optim.SGD(model.parameters(), lr=0.1)
    labels = torch.arange(6)
    for _ in range(6):
        descent.zero_grad()
        nn.functional.cross_entropy(model(IMAGES), labels).backward()
        descent.step()
    names = [name for name, _ in model.named_parameters() if ".branches." in name]
    assert names
    still = [name for name in names if torch.equal(before[name], model.state_dict()[name])]
    assert not still


def test_pooling_and_identities_of_a_stranger_are_opened():
    torch.manual_seed(0)
    model = Stranger().eval()
    new = opened(model, IMAGES, seed=0)
    found = {name for name, module in new.named_modules() if isinstance(module, OpenedModule)}
    assert found == {"first.2", "skip"}, "twice has no one number of channels, late sees no maps, shrink shrinks"
    with torch.no_grad():
        assert torch.equal(new(IMAGES), model(IMAGES))
        new.skip.branch.norm.weight.fill_(1.0)
        assert not torch.equal(new(IMAGES), model(IMAGES))
    assert not any(module._forward_hooks for module in [*model.modules(), *new.modules()])


def test_the_blocks_of_the_macro_space_are_opened_like_a_stranger():
    new = opened(network(*MACRO), IMAGES, seed=0)
    found = {name for name, module in new.named_modules() if isinstance(module, OpenedModule)}
    assert found == {"cells.0.shortcut", "cells.3.shortcut", "tail"}


def test_where_nothing_hands_maps_on_nothing_changes():
    model = chain()
    new = opened(model, IMAGES, seed=0)
    assert new is not model
    assert [type(module) for module in new.modules()] == [type(module) for module in model.modules()]


@pytest.mark.parametrize("make", [lambda: network(*CODES[0]), lambda: Stranger().eval(), chain])
def test_a_second_tower_stands_beside_the_first(make):
    model = as_classifier(make(), IMAGES.shape[1:])
    new = widened(model, seed=1).eval()
    old_head = model.head
    seen = []
    handle = old_head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model(IMAGES)
    handle.remove()
    with torch.no_grad():
        torch.testing.assert_close(new(IMAGES), model(IMAGES))
    assert torch.equal(new.body.bodies[0](IMAGES), seen[0])
    assert new.head.in_features == 2 * old_head.in_features
    pairs = list(zip(*(one.parameters() for one in new.body.bodies), strict=True))
    assert not any(torch.equal(one, other) for one, other in pairs if one.ndim > 1)


def test_what_was_operated_on_is_a_module_like_any_other():
    new = widened(opened(network(*CODES[0]), IMAGES, seed=0), seed=0).eval()
    again = copy.deepcopy(new)
    again.load_state_dict(new.state_dict())
    assert torch.equal(again(IMAGES), new(IMAGES))
    assert with_new_head(new, DIGITS, seed=0)(IMAGES).shape == (6, 10)


def test_a_dense_network_is_opened_and_not_widened():
    model = network(*CODES[0], signature=NEGATIVES)
    new = opened(model, IMAGES, seed=0)
    with torch.no_grad():
        assert torch.equal(new(IMAGES), model(IMAGES))
    with pytest.raises(UnsupportedError, match=r"the head of Network is a DenseDecoder, not the nn.Linear"):
        widened(new, seed=0)


def test_draws_depend_on_the_seed_alone():
    before = torch.random.get_rng_state()
    one, same, other = (widened(opened(network(*CODES[1]), IMAGES, seed=s), seed=s) for s in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in one.state_dict().items())
    branch = "body.bodies.0.cells.0.branches.0-3.convolution.weight"
    assert not torch.equal(one.state_dict()[branch], other.state_dict()[branch])
