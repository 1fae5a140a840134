import pytest
import torch
from torch import nn

from archlock.errors import UnsupportedError
from archlock.models.operations import ConvolutionNorm, FactorisedReduction, ResidualBlock, operation, wants_rectified


def test_pooling_averages_what_is_inside_the_image():
    images = torch.arange(9.0).reshape(1, 1, 3, 3)
    pooled = operation("avg_pool_3x3", 1, 1, 1)(images)
    assert pooled[0, 0].tolist() == [[2.0, 2.5, 3.0], [3.5, 4.0, 4.5], [5.0, 5.5, 6.0]]


def test_a_skip_is_the_identity_or_a_factorised_reduction():
    assert isinstance(operation("skip_connect", 4, 4, 1), nn.Identity)
    assert isinstance(operation("skip", 4, 4, 2), FactorisedReduction)
    assert isinstance(operation("skip", 4, 8, 1), FactorisedReduction)


@pytest.mark.parametrize(("name", "stride"), [("none", 1), ("avg_pool_3x3", 2), ("max_pool", 1)])
def test_what_has_no_module_is_refused(name, stride):
    with pytest.raises(UnsupportedError, match=f"'{name}' cannot be built from 4 to 4 channels with stride {stride}"):
        operation(name, 4, 4, stride)


def test_factorised_reduction_looks_at_even_and_odd_pixels():
    reduction = FactorisedReduction(1, 2, 2).eval()
    nn.init.ones_(reduction.even.weight)
    nn.init.ones_(reduction.odd.weight)
    even, odd = reduction(torch.arange(16.0).reshape(1, 1, 4, 4))[0]
    torch.testing.assert_close(even, torch.tensor([[0.0, 2], [8, 10]]), rtol=1e-4, atol=0)
    torch.testing.assert_close(odd, torch.tensor([[5.0, 7], [13, 15]]), rtol=1e-4, atol=0)
    assert reduction(torch.rand(1, 1, 1, 1)).shape == (1, 2, 1, 1)
    assert reduction(torch.rand(1, 1, 5, 3)).shape == (1, 2, 3, 2)


@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("size", [1, 7, 8])
def test_residual_block_halves_any_size_rounding_up(pooled, size):
    block = ResidualBlock(3, 6, 2, pooled=pooled)
    assert block(torch.rand(2, 3, size, size)).shape == (2, 6, (size + 1) // 2, (size + 1) // 2)


def test_residual_block_adds_its_input():
    block = ResidualBlock(3, 3, 1, pooled=True).eval()
    nn.init.zeros_(block.block_b.convolution.weight)
    images = torch.randn(2, 3, 4, 4)
    assert torch.equal(block(images), images)
    wide = ResidualBlock(3, 6, 2, pooled=True)
    assert sum(p.numel() for p in wide.parameters()) == 3 * 6 * 9 + 6 * 6 * 9 + 2 * 12 + 18  # a shortcut without norm


def test_only_convolutions_want_the_rectified_node():
    assert wants_rectified(ConvolutionNorm(1, 1, 1))
    assert wants_rectified(FactorisedReduction(2, 2, 2))
    assert not wants_rectified(nn.Identity())
    assert not wants_rectified(nn.AvgPool2d(3))
