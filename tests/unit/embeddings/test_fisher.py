import numpy as np
import pytest
import torch
from torch import nn

from archlock.embeddings.fisher import filter_squares
from archlock.errors import UnsupportedError
from archlock.training.kinds.classification import ClassHead
from archlock.training.kinds.gaussian import DenseHead


class Small(nn.Module):
    """All kinds of convolution: plain, strided, grouped, depthwise, 1 x 1, with positions above and below inputs."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.depthwise = nn.Conv2d(4, 4, 3, 2, 1, groups=4, bias=False)
        self.grouped = nn.Conv2d(4, 6, 3, 1, 2, dilation=2, groups=2)
        self.short = nn.Conv2d(4, 6, 1, 2, bias=False)
        self.last = nn.Conv2d(6, 5, 3, 2, 0)

    def forward(self, images):
        maps = torch.tanh(self.norm(self.stem(images)))
        maps = torch.tanh(self.grouped(self.depthwise(maps))) + self.short(maps)
        return torch.tanh(self.last(maps))


LAYERS = ("stem", "depthwise", "grouped", "short", "last")


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = Small().double()
    network.norm.running_mean.normal_()
    network.norm.running_var.uniform_(0.5, 2)
    return network.eval().requires_grad_(False)


def images(count, seed=1):
    return torch.randn(count, 3, 9, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def squared_gradient(network, layer, scalar_of, image):
    """By autograd, one example and one scalar at a time: mean over each filter's weights."""
    weight = network.get_submodule(layer).weight
    weight.requires_grad_(True)
    (gradient,) = torch.autograd.grad(scalar_of(network(image[None])), weight)
    weight.requires_grad_(False)
    return gradient.square().mean((1, 2, 3))


def test_equals_the_loop_over_examples_and_classes(network):
    generator = torch.Generator().manual_seed(2)
    head = ClassHead(
        torch.randn(4, 5, generator=generator, dtype=torch.float64), torch.randn(4, generator=generator).double()
    )
    batch = images(3)
    ours = filter_squares(network, LAYERS, batch, lambda maps: head.cotangents(maps, 10, np.random.default_rng(0)))
    for layer, squares in zip(LAYERS, ours, strict=True):
        for row, image in enumerate(batch):
            with torch.no_grad():
                probability = head.probabilities(network(image[None]).mean((2, 3)))[0]
            brute = sum(
                probability[k]
                * squared_gradient(network, layer, lambda m, k=k: head.probabilities(m.mean((2, 3))).log()[0, k], image)
                for k in range(4)
            )
            torch.testing.assert_close(squares[row], brute, rtol=1e-9, atol=1e-14)


def test_many_classes_and_dense_targets_are_right_in_expectation(network):
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    batch, rng = images(2), np.random.default_rng(0)
    many = ClassHead(weight, torch.zeros(6).double())
    exact = filter_squares(network, LAYERS, batch, lambda maps: many.cotangents(maps, 6, rng))
    draws = [filter_squares(network, LAYERS, batch, lambda maps: many.cotangents(maps, 3, rng)) for _ in range(400)]
    for number, layer in enumerate(exact):
        torch.testing.assert_close(torch.stack([d[number] for d in draws]).mean(0), layer, rtol=0.1, atol=0)
    dense = DenseHead(weight, torch.zeros(6).double(), 0.5)
    estimate = filter_squares(network, LAYERS, batch, lambda maps: dense.cotangents(maps, 1500, rng))

    def outputs(maps):
        return torch.einsum("pf,nfhw->nphw", weight, maps).flatten()

    size = outputs(network(batch[:1])).numel()
    for layer, squares in zip(LAYERS, estimate, strict=True):
        brute = sum(squared_gradient(network, layer, lambda m, j=j: outputs(m)[j], batch[0]) for j in range(size)) / 0.5
        torch.testing.assert_close(squares[0], brute, rtol=0.2, atol=0)


def test_network_keeps_no_trace(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    filter_squares(network, LAYERS[-1:], images(2), lambda maps: [torch.ones_like(maps)])
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_layers_that_cannot_be_measured():
    shared = nn.Conv2d(3, 3, 1)
    twice = nn.Sequential(shared, shared).requires_grad_(False)
    with pytest.raises(UnsupportedError, match="layer '0' is used twice"):
        filter_squares(twice, ["0"], torch.zeros(1, 3, 4, 4), lambda maps: [maps])
    assert not shared._forward_hooks
    mirrored = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"))
    with pytest.raises(UnsupportedError, match=r"layer '0' must be a Conv2d with numeric zero padding; got Conv2d\(3"):
        filter_squares(mirrored, ["0"], torch.zeros(1, 3, 4, 4), lambda maps: [maps])
    idle = nn.ModuleDict({"used": nn.Conv2d(3, 2, 1), "idle": nn.Conv2d(3, 2, 1)}).requires_grad_(False)
    idle.forward = idle["used"].forward
    with pytest.raises(UnsupportedError, match="layer 'idle' is not used"):
        filter_squares(idle, ["idle"], torch.zeros(1, 3, 4, 4), lambda maps: [maps])
