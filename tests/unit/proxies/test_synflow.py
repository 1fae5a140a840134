import copy
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.layers import NORMALISATIONS
from archlock.proxies.synflow import Synflow
from proxy_networks import image_batches, residual


def network(widths, *, norm=False, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Flatten()]
        for inputs, outputs in pairwise(widths):
            layers += [nn.Linear(inputs, outputs, bias=False), *([nn.BatchNorm1d(outputs)] if norm else []), nn.ReLU()]
        return nn.Sequential(*layers)


@pytest.mark.parametrize("norm", [False, True], ids=["plain", "normalised"])
def test_every_layer_contributes_the_strength_of_all_paths(norm):
    model = network([32, 5, 4, 3], norm=norm)
    strength = np.ones(32)
    for layer in model:
        if isinstance(layer, nn.Linear):
            strength = np.abs(layer.weight.detach().double().numpy()) @ strength
    expected = math.log(3 * strength.sum())
    assert Synflow().measure(model, image_batches(1), seed=0) == pytest.approx(expected, rel=1e-12)


def test_survives_what_overflows_float32():
    model = network([32] + [20] * 40)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(100)
    assert Synflow().measure(model, image_batches(1), seed=0) > math.log(1e60)


def test_images_and_labels_do_not_matter():
    first, second = image_batches(2)
    model = network([32, 5, 3])
    assert Synflow().measure(model, [first], seed=0) == Synflow().measure(model, [second], seed=1)


def test_a_cut_network_has_no_value():
    model = network([32, 5, 3])
    nn.init.zeros_(model[1].weight)
    with pytest.raises(MeasurementError, match="synflow has no value for this model: its output does not depend on"):
        Synflow().measure(model, image_batches(1), seed=0)


class Various(nn.Module):
    """Biases, constants, a tied weight, work in place, a maximum, groups, a transposed convolution."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.relu, self.grouped = nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, groups=2)
        self.tied = nn.Conv2d(4, 4, 3, groups=2, bias=False)
        self.tied.weight = self.grouped.weight
        self.pool, self.wider = nn.MaxPool2d(2, ceil_mode=True), nn.ConvTranspose2d(4, 3, 2)
        self.head = nn.Linear(3, 3)

    def forward(self, images):
        hidden = self.grouped(self.relu(self.norm(self.first((images - 0.3) / 0.2))))
        hidden += 1
        hidden = self.tied(nn.functional.pad(hidden, (1, 1, 1, 1)))
        return self.head(self.wider(self.pool(hidden)).mean((2, 3)))


@pytest.mark.parametrize("model", [residual(), Various()], ids=["residual", "various"])
def test_equal_to_autograd_in_the_weights(model):
    private = copy.deepcopy(model).double().eval()
    for module in private.modules():
        if isinstance(module, NORMALISATIONS):
            module.forward = lambda images: images
    with torch.no_grad():
        for parameter in private.parameters():
            parameter.abs_()
    private(torch.ones(1, 2, 4, 4, dtype=torch.float64)).sum().backward()
    weights = {
        id(m.weight): m.weight for m in private.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
    }
    flow = sum(float((weight.detach() * weight.grad).sum()) for weight in weights.values())
    assert Synflow().measure(model, image_batches(1), seed=0) == pytest.approx(math.log(flow), rel=1e-12)
