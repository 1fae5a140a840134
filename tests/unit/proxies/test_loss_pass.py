import numpy as np
import pytest
import torch
from torch import nn

from archlock.proxies.loss_pass import ALL_PARTS, agreement, arrives, loss_pass, packed, rows
from archlock.training import Batch
from proxy_networks import image_batches, residual


def test_agreement_counts_equal_bits():
    codes = np.random.default_rng(0).random((5, 37)) < 0.4
    slow = np.array([[(a == b).sum() for b in codes] for a in codes], dtype=float)
    assert np.array_equal(agreement(torch.from_numpy(codes).float()).numpy(), slow)


def test_a_layer_no_gradient_reaches_has_zeros():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, images):
            self.unused(images.flatten(1))
            return self.used(images.flatten(1))

    seen = loss_pass(Unused(), Batch(torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0])))
    assert list(seen.gradients) == ["used", "unused"]
    assert torch.equal(seen.gradients["unused"], torch.zeros(2, 4))
    assert seen.gradients["used"].any()
    assert len(seen.saliencies) == 1
    assert seen.sees_images


def test_a_tied_weight_appears_once():
    layer = nn.Linear(4, 4)
    other = nn.Linear(4, 4)
    other.weight = layer.weight
    model = nn.Sequential(nn.Flatten(), layer, nn.ReLU(), other, layer)
    seen = loss_pass(model, Batch(torch.rand(3, 1, 2, 2), torch.tensor([0, 1, 0])))
    assert list(seen.weights) == ["1"]
    assert [tuple(layer.shape) for layer in seen.saliencies] == [(3, 4)] * 3


@pytest.mark.parametrize("size", [1, 24, 25, 64, 65, 130])
def test_packed_holds_one_bit_an_image(size):
    codes = torch.from_numpy(np.random.default_rng(size).random((size, 9)) < 0.5)
    words = packed(codes.float())
    assert words.shape == (9, -(-size // 64))
    for unit in range(9):
        bits = [int(words[unit, i // 64]) >> (i % 64) & 1 for i in range(size)]
        assert bits == codes[:, unit].int().tolist()


@pytest.mark.parametrize("part", sorted(ALL_PARTS))
def test_a_part_by_itself_is_the_same_as_with_all_others(part):
    (batch,) = image_batches(1)
    everything = loss_pass(residual(), Batch(batch.images.clone(), batch.targets))
    alone = loss_pass(residual(), Batch(batch.images.clone(), batch.targets), {part})
    field = {"kernel": "codes_kernel"}.get(part, part)
    a, b = getattr(alone, field), getattr(everything, field)
    if part == "curvature":
        assert a == b
        return
    assert len(a) > 0
    pairs = zip(a.values(), b.values(), strict=True) if isinstance(a, dict) else zip(a, b, strict=True)
    assert all(torch.equal(x, y) for x, y in pairs)


class Working(nn.Module):
    """A convolution whose output is worked on in place, or not."""

    def __init__(self, *, in_place):
        super().__init__()
        self.in_place = in_place
        self.conv, self.last = nn.Conv2d(2, 3, 3), nn.ReLU(inplace=in_place)
        self.head = nn.Linear(3, 3)

    def forward(self, images):
        hidden = self.conv(images)
        if self.in_place:
            hidden += 0.1
        else:
            hidden = hidden + 0.1
        return self.head(self.last(hidden).mean((2, 3)))


def test_saliencies_are_those_of_what_the_layer_gave():
    found = []
    for in_place in (False, True):
        torch.manual_seed(0)
        found.append(loss_pass(Working(in_place=in_place).double(), image_batches(1)[0], {"saliencies"}).saliencies)
    assert len(found[0]) == len(found[1]) == 2
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_rows_are_views_in_any_layout():
    images = torch.arange(48.0).reshape(2, 3, 2, 4)
    for layout in (torch.contiguous_format, torch.channels_last):
        laid = images.contiguous(memory_format=layout)
        found = rows(laid)
        assert found.data_ptr() == laid.data_ptr()
        assert torch.equal(found.sort(dim=1).values, images.flatten(1))
    assert torch.equal(rows(images), images.flatten(1))


def test_a_gradient_arrives_where_any_example_has_one():
    gradient = torch.zeros(3, 2)
    assert not arrives(gradient)
    gradient[2, 1] = 1e-30
    assert arrives(gradient)
    assert arrives(gradient.flip(0))
