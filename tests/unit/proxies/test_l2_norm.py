import math

import pytest

from archlock.proxies.l2_norm import L2Norm
from proxy_networks import image_batches, residual, weights_of


def test_sum_of_layer_norms():
    model = residual()
    by_hand = sum(math.sqrt(sum(w * w for w in weight.flatten().tolist())) for weight in weights_of(model).values())
    assert L2Norm().measure(model, image_batches(1), seed=0) == pytest.approx(by_hand, rel=1e-12)
