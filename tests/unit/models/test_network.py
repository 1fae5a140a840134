import pytest
import torch

from archlock.errors import ConfigurationError
from archlock.models.network import DenseDecoder, Normalise, check, head_for
from archlock.tasks import Signature


def test_normalise():
    normalise = Normalise((0.5, 0.25), (0.5, 2.0))
    assert [name for name, _ in normalise.named_buffers()] == ["mean", "std"]
    assert normalise(torch.ones(1, 2, 1, 1)).flatten().tolist() == [1.0, 0.375]


def test_decoder_lays_out_patches_and_cuts():
    decoder = DenseDecoder(1, 1, 2, (3, 3))
    with torch.no_grad():
        decoder.linear.weight.copy_(torch.arange(4.0).reshape(4, 1, 1, 1))
        decoder.linear.bias.zero_()
    image = decoder(torch.tensor([[[[1.0, 10], [100, 1000]]]]))
    assert image[0, 0].tolist() == [[0, 1, 0], [2, 3, 20], [0, 100, 0]]


def test_heads_by_kind():
    assert head_for(Signature("classification", (3, 8, 8), 7, (0.5,) * 3, (1.0,) * 3), 5, 4).weight.shape == (7, 5)
    assert head_for(Signature("dense", (3, 8, 8), 2, (0.5,) * 3, (1.0,) * 3), 5, 4).linear.weight.shape == (32, 5, 1, 1)


@pytest.mark.parametrize(("width", "depth"), [(0, 1), (1, 0), (-3, 2)])
def test_impossible_sizes(width, depth):
    signature = Signature("classification", (1, 8, 8), 2, (0.5,), (1.0,))
    with pytest.raises(ConfigurationError, match=f"at least 1; got width {width}, depth {depth}"):
        check(signature, width, depth)


def test_impossible_signature():
    with pytest.raises(ConfigurationError, match="images have 3 channels, but there are 1 means and 2 stds"):
        check(Signature("classification", (3, 8, 8), 2, (0.5,), (1.0, 1.0)), 1, 1)
