import copy

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.nwot import Nwot
from archlock.training import Batch
from proxy_networks import image_batches, residual


def slow_nwot(model, images, layers):
    """Codes of the named rectifiers, compared unit by unit."""
    model = copy.deepcopy(model).train()
    codes = []
    for layer in layers:
        model.get_submodule(layer).register_forward_hook(lambda *a: codes.append((a[2] > 0).flatten(1).numpy()))
    with torch.no_grad():
        model(images)
    rows = np.concatenate(codes, axis=1)
    kernel = np.array([[sum(a == b for a, b in zip(x, y, strict=True)) for y in rows] for x in rows], dtype=float)
    return np.linalg.slogdet(kernel)[1]


def test_against_comparing_codes_one_by_one():
    model, (batch,) = residual(), image_batches(1)
    slow = slow_nwot(model, batch.images, ["relu", "last"])
    assert Nwot().measure(model, [batch], seed=0) == pytest.approx(slow, rel=1e-10)


class Branches(nn.Module):
    """Two convolutions read the rectified stem through one rectifier or through one each; a third goes nowhere."""

    def __init__(self, *, shared, dead):
        super().__init__()
        self.shared, self.dead = shared, dead
        self.stem, self.stem_norm = nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)
        self.a, self.b, self.c = (nn.Conv2d(3, 3, 1) for _ in range(3))
        self.relu_a, self.relu_b, self.relu_c, self.last = (nn.ReLU() for _ in range(4))
        self.norm, self.head = nn.BatchNorm2d(3), nn.Linear(3, 3)

    def forward(self, images):
        stem = self.stem_norm(self.stem(images))
        rectified = self.relu_a(stem)
        hidden = self.a(rectified) + self.b(rectified if self.shared else self.relu_b(stem))
        if self.dead:
            hidden = hidden + self.relu_c(self.c(stem)) * 0
        return self.head(self.last(self.norm(hidden)).mean((2, 3)))


def branches(**settings):
    torch.manual_seed(0)
    return Branches(**settings).double()


def test_sharing_a_rectifier_is_only_a_way_of_writing():
    batches = image_batches(1)
    apart = Nwot().measure(branches(shared=False, dead=False), batches, seed=0)
    assert Nwot().measure(branches(shared=True, dead=False), batches, seed=0) == pytest.approx(apart, rel=1e-12)
    slow = slow_nwot(branches(shared=False, dead=False), batches[0].images, ["relu_a", "relu_b", "last"])
    assert apart == pytest.approx(slow, rel=1e-10)


def test_a_dead_branch_adds_nothing():
    batches = image_batches(1)
    alive = Nwot().measure(branches(shared=False, dead=False), batches, seed=0)
    assert Nwot().measure(branches(shared=False, dead=True), batches, seed=0) == pytest.approx(alive, rel=1e-12)


def test_the_same_image_twice_has_no_value():
    (batch,) = image_batches(1)
    twice = Batch(batch.images[[0, 0, 1]], batch.targets[[0, 0, 1]])
    with pytest.raises(MeasurementError, match="nwot has no value for this model: expected a finite number, got -inf"):
        Nwot().measure(residual(), [twice], seed=0)


def test_a_network_without_rectifiers_has_no_value():
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3), nn.Tanh(), nn.Linear(3, 3))
    with pytest.raises(MeasurementError, match="nwot has no value for this model: it has no rectifier module"):
        Nwot().measure(model, image_batches(1), seed=0)
