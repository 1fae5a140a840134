import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.meco import Meco, smallest_eigenvalue
from archlock.seeding import derive_seed
from proxy_networks import image_batches, residual


def test_against_numpy_on_the_same_noise():
    model, batches = residual(), image_batches(1)
    noise = torch.randn((2, 2, 4, 4), generator=torch.Generator().manual_seed(derive_seed(7, "meco"))).double()
    maps = []
    running = copy.deepcopy(model).train()
    for layer in ("stem", "conv"):
        running.get_submodule(layer).register_forward_hook(lambda _m, _a, output: maps.append(output[0].flatten(1)))
    with torch.no_grad():
        running(noise)
    expected = sum(np.linalg.eigvalsh(np.corrcoef(each.numpy()))[0] for each in maps)
    assert Meco().measure(model, batches, seed=7) == pytest.approx(expected, rel=1e-9)


def test_images_and_labels_do_not_matter():
    first, second = image_batches(2)
    assert Meco().measure(residual(), [first], seed=0) == Meco().measure(residual(), [second], seed=0)


def test_channels_that_say_the_same_have_eigenvalue_zero():
    row = torch.arange(6.0)
    assert smallest_eigenvalue(torch.stack([row, 2 * row + 1])) == pytest.approx(0, abs=1e-12)
    assert smallest_eigenvalue(torch.rand(5, 4, generator=torch.Generator().manual_seed(0))) == pytest.approx(
        0, abs=1e-12
    )


def test_uncorrelated_channels_have_eigenvalue_one():
    maps = torch.tensor([[1.0, 1.0, -1.0, -1.0], [1.0, -1.0, 1.0, -1.0]])
    assert smallest_eigenvalue(maps) == pytest.approx(1)


def test_a_channel_without_variance_correlates_with_nothing():
    assert smallest_eigenvalue(torch.tensor([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])) == 0.0


def test_maps_that_are_not_finite_have_none():
    assert math.isnan(smallest_eigenvalue(torch.tensor([[1.0, math.inf], [1.0, 2.0]])))


def test_a_network_without_convolutions_has_no_value():
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    with pytest.raises(MeasurementError, match="meco has no value for this model: it has no convolution module"):
        Meco().measure(model, image_batches(1), seed=0)
