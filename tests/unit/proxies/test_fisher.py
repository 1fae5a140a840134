import copy

import pytest
import torch
from torch import nn

from archlock.proxies.fisher import Fisher
from archlock.training import loss_of
from proxy_networks import dense_batch, dense_network, image_batches, residual


def slow_fisher(model, batch):
    """The loss's derivative in a factor on every image's every channel, behind every layer; squared."""
    model = copy.deepcopy(model).train()
    factors = []

    def scaled(_layer, _inputs, output):
        factor = torch.ones(output.shape[:2], dtype=output.dtype, requires_grad=True)
        factors.append(factor)
        return output * factor.reshape(*factor.shape, *[1] * (output.dim() - 2))

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(scaled)
    loss_of(model(batch.images), batch.targets).backward()
    return sum(float((factor.grad**2).sum()) / (2 * len(batch)) for factor in factors)


@pytest.mark.parametrize(
    ("model", "batch"), [(residual(), image_batches()[0]), (dense_network(), dense_batch())], ids=["classes", "dense"]
)
def test_against_derivatives_in_channel_factors(model, batch):
    assert Fisher().measure(model, [batch], seed=0) == pytest.approx(slow_fisher(model, batch), rel=1e-10)


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(2, 3, 1), nn.Linear(3, 3)

    def forward(self, images):
        hidden = self.conv(images)
        hidden *= 2
        hidden += 1
        return self.head(hidden.sigmoid().mean((2, 3)))


def test_work_in_place_behind_a_layer_does_not_change_what_it_put_out():
    torch.manual_seed(0)
    model, batch = InPlace().double(), image_batches()[0]
    assert Fisher().measure(model, [batch], seed=0) == pytest.approx(slow_fisher(model, batch), rel=1e-10)
