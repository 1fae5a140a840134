import pytest
import torch
import torch.nn.functional as F

from archlock.models.cell import Cell
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture, cell_edges
from archlock.spaces.cell import EDGES


def naive(cell, code, images):
    """The cell as published, edge by edge with a ReLU of its own, from the modules of ours."""
    nodes = [images]
    for head in (1, 2, 3):
        arriving = []
        for digit, (tail, end) in zip(code, EDGES, strict=True):
            if end != head or digit == "0":
                continue
            module = cell.operations[f"{tail}-{head}"]
            before = F.relu(nodes[tail]) if digit in "23" else nodes[tail]
            arriving.append(module(before))
        nodes.append(sum(arriving, torch.zeros_like(images)))
    return nodes[-1]


def test_forward_equals_the_published_definition():
    space, rng = SPACES["nasbench201"], rng_for(0, "cells")
    for architecture in [space.sample(rng) for _ in range(40)]:
        cell = Cell(cell_edges(architecture), 4, 4).eval()
        images = torch.randn(2, 4, 6, 6)
        kept = images.clone()
        torch.testing.assert_close(cell(images), naive(cell, architecture.code, images))
        assert torch.equal(images, kept)


def test_gradients_equal_the_published_definition():
    architecture = Architecture("nasbench201", "314321")
    cell = Cell(cell_edges(architecture), 4, 4)
    images = torch.randn(2, 4, 6, 6, requires_grad=True)
    ours = torch.autograd.grad(cell(images).square().sum(), [images, *cell.parameters()])
    theirs = torch.autograd.grad(naive(cell, architecture.code, images).square().sum(), [images, *cell.parameters()])
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels_out", "stride", "size"), [(4, 1, 5), (8, 2, 5), (8, 2, 6)])
def test_a_cell_without_a_way_through_is_zero(channels_out, stride, size):
    cell = Cell(cell_edges(Architecture("transnas101_micro", "300000")), 4, channels_out, stride)
    result = cell(torch.randn(2, 4, size, size, requires_grad=True))
    assert result.shape == (2, channels_out, -(-size // stride), -(-size // stride))
    assert not result.any()
    assert result.requires_grad


def test_one_rectifier_for_all_convolutions_of_a_node():
    cell = Cell(cell_edges(Architecture("nasbench201", "330311")), 2, 2)
    assert list(cell.rectifiers) == ["0"]
    assert list(cell.operations) == ["0-1", "0-2", "0-3", "1-3", "2-3"]
