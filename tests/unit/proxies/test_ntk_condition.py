import copy

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.proxies.image_passes import inner_products
from archlock.proxies.ntk_condition import NtkCondition
from archlock.training import Batch
from proxy_networks import dense_batch, dense_network, image_batches, layer_names, residual


@pytest.mark.parametrize(
    ("model", "batch"), [(residual(), image_batches()[0]), (dense_network(), dense_batch())], ids=["classes", "dense"]
)
def test_against_the_kernel_written_out(model, batch):
    frozen = copy.deepcopy(model).train()
    norms = [module for module in frozen.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in norms:  # the batch's statistics, by the running average with momentum 1
        module.momentum = 1.0
    with torch.no_grad():
        frozen(batch.images)
    count = batch.images[:, 0].numel()
    for module in norms:
        module.running_var *= (count - 1) / count  # running averages are of the unbiased variance
    frozen.eval()
    rows = []
    for image in batch.images:
        frozen.zero_grad()
        frozen(image[None]).sum().backward()
        rows.append(np.concatenate([frozen.get_parameter(name).grad.flatten().numpy() for name in layer_names(frozen)]))
    kernel = np.array([[sum(a * b) for b in rows] for a in rows])
    assert NtkCondition().measure(model, [batch], seed=0) == pytest.approx(-np.linalg.cond(kernel), rel=1e-8)


def test_the_same_image_twice_makes_the_kernel_singular():
    (batch,) = image_batches(1)
    twice = Batch(batch.images[[0, 0, 1]], batch.targets[[0, 0, 1]])
    with pytest.raises(MeasurementError, match="ntk_condition has no value for this model: its tangent kernel is"):
        NtkCondition().measure(residual(), [twice], seed=0)


def test_one_image_has_no_condition():
    with pytest.raises(MeasurementError, match="a condition number needs at least two images, got 1"):
        NtkCondition().measure(residual(), image_batches(1, size=1), seed=0)


def test_inner_products_in_blocks():
    rows = torch.rand(3, 2**18 + 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(inner_products(rows), rows.double() @ rows.double().T)
