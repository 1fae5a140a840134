import math

import pytest
import torch

from archlock.errors import ConfigurationError
from archlock.proxies.zico import Zico, ZicoReleased, log_steadiness
from proxy_networks import image_batches, residual, slow_gradients


@pytest.mark.parametrize(("proxy", "reading"), [(Zico(), abs), (ZicoReleased(), float)], ids=["paper", "released"])
def test_against_differences_of_the_loss(proxy, reading):
    model, batches = residual(), image_batches()
    first, second = (slow_gradients(model, batch) for batch in batches)
    slow = 0.0
    for name in first:
        total = 0.0
        for a, b in zip(first[name].flatten().tolist(), second[name].flatten().tolist(), strict=True):
            mean, half_range = (abs(a) + abs(b)) / 2, abs(reading(a) - reading(b)) / 2
            total += mean / half_range
        slow += math.log(total)
    assert proxy.measure(model, batches, seed=0) == pytest.approx(slow, rel=1e-5)


def test_weights_that_do_not_vary_are_left_out():
    gradients = torch.tensor([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]], dtype=torch.float64)
    assert log_steadiness(gradients, gradients) == pytest.approx(math.log(2 / 1))
    assert log_steadiness(gradients[:, 1:], gradients[:, 1:]) == 0.0


def test_the_two_readings_differ_where_a_gradient_changes_sign():
    gradients = torch.tensor([[1.0], [-3.0]], dtype=torch.float64)
    assert log_steadiness(gradients, gradients.abs()) == pytest.approx(math.log(2 / 1))
    assert log_steadiness(gradients, gradients) == pytest.approx(math.log(2 / 2))


def test_one_batch_is_not_enough():
    with pytest.raises(ConfigurationError, match="zico needs 2 batches, got 1; give more batches"):
        Zico().measure(residual(), image_batches(1), seed=0)
