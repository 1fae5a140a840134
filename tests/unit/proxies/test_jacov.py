import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.jacov import Jacov
from proxy_networks import image_batches, residual


def slow_jacobian(model, images, step=1e-6):
    """Change of the sum of all outputs when one pixel of one image moves, by central differences."""
    model.train()
    rows = np.zeros((len(images), images[0].numel()))
    for i in range(len(images)):
        for j in range(images[0].numel()):
            values = []
            for change in (step, -step):
                moved = images.clone()
                moved[i].view(-1)[j] += change
                with torch.no_grad():
                    values.append(float(model(moved).sum()))
            rows[i, j] = (values[0] - values[1]) / (2 * step)
    return rows


def test_against_differences_and_numpy():
    (batch,) = image_batches(1, size=4)
    model = residual()
    values = np.linalg.eigvals(np.corrcoef(slow_jacobian(residual(), batch.images))).real
    slow = -np.sum(np.log(values + 1e-5) + 1 / (values + 1e-5))
    assert Jacov().measure(model, [batch], seed=0) == pytest.approx(slow, rel=1e-4)


def test_a_linear_map_is_the_same_everywhere():
    model = nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double()
    (batch,) = image_batches(1, size=3)  # eigenvalues 3, 0, 0
    by_hand = -(np.log(3 + 1e-5) + 1 / (3 + 1e-5) + 2 * (np.log(1e-5) + 1e5))
    assert Jacov().measure(model, [batch], seed=0) == pytest.approx(by_hand, rel=1e-6)


def test_one_image_has_no_correlation():
    with pytest.raises(
        MeasurementError, match="jacov has no value for this model: a correlation needs at least two images, got 1"
    ):
        Jacov().measure(nn.Sequential(nn.Flatten(), nn.Linear(32, 3)).double(), image_batches(1, size=1), seed=0)
