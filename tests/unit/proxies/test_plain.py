import pytest

from archlock.proxies.plain import Plain
from proxy_networks import image_batches, residual, slow_gradients, weights_of


def test_against_differences_of_the_loss():
    model, batch = residual(), image_batches()[0]
    slow = slow_gradients(model, batch)
    total = sum(float((weight * slow[name]).sum()) for name, weight in weights_of(model).items())
    assert Plain().measure(model, [batch], seed=0) == pytest.approx(total, rel=1e-6, abs=1e-9)
