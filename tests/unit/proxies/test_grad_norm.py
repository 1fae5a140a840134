import math

import pytest

from archlock.proxies.grad_norm import GradNorm
from proxy_networks import dense_batch, dense_network, image_batches, residual, slow_gradients


@pytest.mark.parametrize(
    ("model", "batch"), [(residual(), image_batches()[0]), (dense_network(), dense_batch())], ids=["classes", "dense"]
)
def test_against_differences_of_the_loss(model, batch):
    slow = sum(
        math.sqrt(sum(g * g for g in gradient.flatten().tolist())) for gradient in slow_gradients(model, batch).values()
    )
    assert GradNorm().measure(model, [batch], seed=0) == pytest.approx(slow, rel=1e-6)
