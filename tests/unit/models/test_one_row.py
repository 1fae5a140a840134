"""Networks for signals compute what the networks for images compute, with a third of the weights."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from archlock.models import (
    build,
    costs_of,
    count_flops,
    count_parameters,
    opened,
    ordinary,
    stack,
    with_new_head,
)
from archlock.models.network import DenseDecoder
from archlock.models.operations import FactorisedReduction
from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.tasks import Signature

SIGNALS = Signature("classification", (2, 1, 37), 5, (0.0, 10.0), (1.0, 20.0), "signal", measured=True)
IMAGES = replace(SIGNALS, form="image")
X = torch.randn(5, 2, 1, 37, generator=torch.Generator().manual_seed(0))


def give_middle_rows(one_row: nn.Module, square: nn.Module) -> None:
    """The weights of a network for signals, put into the middle rows of one for images; other rows are noise."""
    with torch.no_grad():
        for (name, given), (same, wanted) in zip(
            one_row.state_dict().items(), square.state_dict().items(), strict=True
        ):
            assert name == same
            if given.shape == wanted.shape:
                wanted.copy_(given)
            else:
                wanted.normal_()
                wanted[:, :, wanted.shape[2] // 2] = given[:, :, 0]
    for module in one_row.modules():  # its second half looks down into the padding: the one thing that is not the same
        if isinstance(module, FactorisedReduction):
            assert module.down == 0
            module.down = 1


@pytest.mark.parametrize("name", SPACES)
def test_the_same_function_as_with_square_kernels_of_which_the_middle_rows_count(name):
    space = SPACES[name]
    for _ in range(2):
        architecture = space.sample(rng_for(len(name), "one row"))
        one_row, square = (build(architecture, s, width=4, depth=1, seed=0) for s in (SIGNALS, IMAGES))
        give_middle_rows(one_row, square)
        for training in (True, False):
            answers = [network.train(training)(X) for network in (one_row, square)]
            assert torch.allclose(*answers, atol=1e-6)


def test_all_3x3_convolutions_have_a_third_of_the_weights_and_operations():
    cell = SPACES["nasbench201"].architecture("333333")
    one_row, square = (build(cell, s, width=4, depth=1, seed=0) for s in (SIGNALS, IMAGES))
    weights = [
        sum(m.weight.numel() for m in n.modules() if isinstance(m, nn.Conv2d) and m.kernel_size[1] == 3)
        for n in (one_row, square)
    ]
    assert 3 * weights[0] == weights[1]
    assert count_flops(one_row, SIGNALS.shape) < 0.36 * count_flops(square, IMAGES.shape)
    assert all(m.kernel_size[0] == 1 for m in one_row.modules() if isinstance(m, nn.Conv2d | nn.AvgPool2d))


@pytest.mark.parametrize("name", SPACES)
def test_closed_forms_count_signals(name):
    space = SPACES[name]
    chosen = [space.sample(rng_for(2, name)) for _ in range(2)]
    costs = costs_of(chosen, SIGNALS, width=4, depth=1, memory=False)
    for row, architecture in enumerate(chosen):
        network = build(space.simplify(architecture), SIGNALS, width=4, depth=1, seed=0)
        assert costs.parameters[row] == count_parameters(network)
        assert 2 * costs.macs[row] == count_flops(network, SIGNALS.shape)


def test_memory_is_that_of_one_row():
    chosen = [SPACES["nasbench201"].architecture("333144")]
    signals, images = (costs_of(chosen, s, width=4, depth=1) for s in (SIGNALS, IMAGES))
    assert signals.peak_bytes[0] == images.peak_bytes[0]
    assert signals.moved_bytes[0] == images.moved_bytes[0]


def test_a_signal_is_taken_with_and_without_its_row():
    network = build(SPACES["nasbench201"].architecture("012340"), SIGNALS, width=4, depth=1, seed=0).eval()
    assert torch.equal(network(X), network(X[:, :, 0]))


def test_a_dense_head_says_patches_of_one_row():
    decoder = DenseDecoder(3, 2, 4, (1, 10), one_row=True)
    assert decoder.linear.out_channels == 8
    targets = torch.randn(5, 2, 1, 10)
    patches = decoder.patches(targets, (1, 3))
    assert patches.shape == (5, 8, 1, 3)
    decoder.linear = nn.Identity()
    assert torch.equal(decoder(patches), targets)


@pytest.mark.parametrize(("stride", "places"), [(2, (2, 3)), (1, (3, 5))])
def test_square_patches_are_those_of_the_pixel_shuffle(stride, places):
    decoder = DenseDecoder(3, 2, stride, (3, 5))
    targets = torch.randn(4, 2, 3, 5)
    patches = decoder.patches(targets, places)
    decoder.linear = nn.Identity()
    assert torch.equal(decoder(patches), targets)


def test_what_attackers_build_has_one_row_as_well():
    network = build(SPACES["nasbench201"].architecture("144321"), SIGNALS, width=4, depth=1, seed=0).eval()
    grown = opened(network, X, seed=0).eval()
    assert torch.allclose(grown(X), network(X), atol=1e-6)
    free = ordinary(SIGNALS, parameters=3000, seed=0)
    for model in (grown, free):
        assert {m.kernel_size[0] for m in model.modules() if isinstance(m, nn.Conv2d)} == {1}
    dense = with_new_head(network, replace(SIGNALS, kind="field", outputs=2), seed=0)
    assert dense(X).shape == (5, 2, 1, 37)


def test_stacked_networks_of_signals_compute_what_each_computes():
    space = SPACES["transnas101_micro"]
    networks = [
        build(space.architecture(code), SIGNALS, width=4, depth=1, seed=0).eval() for code in ("123321", "321111")
    ]
    stacked = stack(networks).eval()
    answers = stacked(X.repeat(1, 2, 1, 1))
    assert torch.allclose(answers, torch.stack([network(X) for network in networks]), atol=1e-5)
