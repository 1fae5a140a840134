import numpy as np
import torch
from torch import nn

from archlock.proxies.loss_pass import agreement, loss_pass
from archlock.training import Batch


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
