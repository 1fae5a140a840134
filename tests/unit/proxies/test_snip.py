import pytest

from archlock.proxies.snip import Snip
from proxy_networks import image_batches, residual, slow_gradients, weights_of


def test_against_differences_of_the_loss():
    model, batch = residual(), image_batches()[0]
    slow = slow_gradients(model, batch)
    total = sum(float((weight * slow[name]).abs().sum()) for name, weight in weights_of(model).items())
    assert Snip().measure(model, [batch], seed=0) == pytest.approx(total, rel=1e-6)
