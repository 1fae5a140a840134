import copy
import math

import pytest
import torch
import torch.nn.functional as F

from archlock.errors import UnsupportedError
from archlock.models import build, skeleton_of, stack
from archlock.spaces import SPACES
from archlock.testing.models import signature

CELLS = {
    "nasbench201": ("314321", "000434", "333333", "000100", "010110", "444444", "040000", "100220"),
    "transnas101_micro": ("312321", "000231", "333333", "000100", "010110", "111111", "020000", "100220"),
}
# 040000 does not reach the output: a constant predictor


def networks_of(space, *, codes=None, shape=(2, 9, 7), dense=False, depth=1, width=4):
    return [
        build(
            SPACES[space].architecture(code), signature(shape, 3, dense=dense), width=width, depth=depth, seed=seed
        ).double()
        for seed, code in enumerate(codes or CELLS[space])
    ]


def images_for(networks, *, shape=(2, 9, 7), examples=6):
    generator = torch.Generator().manual_seed(7)
    return torch.rand(len(networks), examples, *shape, dtype=torch.float64, generator=generator)


def side_by_side(images):
    return images.transpose(0, 1).flatten(1, 2)


LAYOUTS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("space", CELLS)
def test_every_network_says_what_it_says_alone(space, dense, layout):
    networks = networks_of(space, dense=dense, depth=2)
    stacked = stack(networks).to(memory_format=layout)
    images = images_for(networks)
    for training in (True, False):
        stacked.train(training)
        together = stacked(side_by_side(images).contiguous(memory_format=layout))
        alone = torch.stack([network.train(training)(own) for network, own in zip(networks, images, strict=True)])
        assert together.shape == alone.shape
        torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("space", CELLS)
def test_steps_of_descent_are_the_steps_of_each_alone(space, layout):
    networks = networks_of(space)
    stacked = stack(networks).to(memory_format=layout)
    images, labels = images_for(networks), torch.arange(6) % 3
    together = torch.optim.SGD(stacked.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    for _ in range(3):
        together.zero_grad()
        sum(F.cross_entropy(logits, labels) for logits in stacked(side_by_side(images))).backward()
        together.step()
    for network, own, found in zip(networks, images, stacked.unstack(), strict=True):
        alone = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
        for _ in range(3):
            alone.zero_grad()
            F.cross_entropy(network(own), labels).backward()
            alone.step()
        assert found.architecture == network.architecture
        for name, expected in network.state_dict().items():
            torch.testing.assert_close(found.state_dict()[name], expected, rtol=1e-8, atol=1e-10, msg=name)


def test_unstack_gives_back_what_was_stacked_and_leaves_it_alone():
    networks = networks_of("transnas101_micro")
    before = [copy.deepcopy(network.state_dict()) for network in networks]
    generator = torch.random.get_rng_state()
    stacked = stack(networks)
    with torch.no_grad():
        for parameter in stacked.parameters():
            parameter.add_(1)
    shifted = stacked.unstack()
    assert torch.equal(generator, torch.random.get_rng_state())
    for network, state, found in zip(networks, before, shifted, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
        for name, parameter in found.named_parameters():
            assert torch.equal(parameter, state[name] + 1)
        for name, buffer in found.named_buffers():
            assert torch.equal(buffer, state[name])
    tens = stacked.unstack(lambda parameter: torch.full_like(parameter, 10))
    assert all((parameter == 10).all() for network in tens for parameter in network.parameters())
    assert all(network.training for network in tens)
    assert not stacked.eval().unstack()[0].training


@pytest.mark.parametrize("space", CELLS)
@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_what_is_not_finite_stays_with_its_network(space, poison):
    networks = networks_of(space)
    images, labels = images_for(networks), torch.arange(6) % 3

    def gradients(models):
        stacked = stack(models)
        sum(F.cross_entropy(logits, labels) for logits in stacked(side_by_side(images))).backward()
        return stacked.unstack(lambda parameter: parameter.grad)

    healthy = gradients(networks)
    with torch.no_grad():
        for parameter in networks[2].parameters():
            parameter.fill_(poison)
    poisoned = gradients(networks)
    assert not any(torch.isfinite(gradient).all() for gradient in poisoned[2].head.parameters())
    for row, (clean, found) in enumerate(zip(healthy, poisoned, strict=True)):
        for expected, gradient in zip(clean.parameters(), found.parameters(), strict=True):
            assert row == 2 or torch.equal(gradient, expected), row


def test_nobody_reaches_the_output():
    networks = networks_of("nasbench201", codes=("040000", "000000"))
    stacked, images = stack(networks), images_for(networks)
    together = stacked(side_by_side(images))
    alone = torch.stack([network(own) for network, own in zip(networks, images, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)
    together.sum().backward()
    assert all(parameter.grad is not None for parameter in stacked.parameters())


@pytest.mark.parametrize(
    ("space", "code"),
    [
        ("transnas101_macro", "1241"),
        ("locking_macro", "00010011012"),  # group normalisation, depthwise convolutions
        ("locking_macro", "10001022021"),  # no normalisation
    ],
)
def test_networks_of_one_skeleton(space, code):
    networks = networks_of(space, codes=(code, code))
    images = images_for(networks)
    alone = torch.stack([network(own) for network, own in zip(networks, images, strict=True)])
    torch.testing.assert_close(stack(networks)(side_by_side(images)), alone, rtol=1e-10, atol=1e-10)


def test_what_cannot_be_stacked():
    first, second = networks_of("transnas101_macro", codes=("1241", "1421"))
    assert skeleton_of(first) != skeleton_of(second)
    with pytest.raises(UnsupportedError, match="transnas101_macro:1241 and transnas101_macro:1421 cannot be stacked"):
        stack([first, second])
    wide, narrow = (networks_of("nasbench201", codes=("314321",), width=width)[0] for width in (4, 5))
    with pytest.raises(UnsupportedError, match=r"differ in more than the operations of a cell \(space, width"):
        stack([wide, narrow])
    assert skeleton_of(wide) == skeleton_of(networks_of("nasbench201", codes=("000100",))[0])
    with pytest.raises(UnsupportedError, match="nothing to stack"):
        stack([])
