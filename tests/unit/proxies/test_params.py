from torch import nn

from archlock.proxies.params import Params
from proxy_networks import image_batches, residual


def test_counts_by_hand():
    model = residual()
    by_hand = 2 * 3 * 9 + 2 * 3 + (3 * 3 + 3) + 2 * 3 + (3 * 3 + 3)
    assert Params().measure(model, image_batches(1), seed=0) == by_hand


def test_a_shared_parameter_counts_once():
    layer = nn.Conv2d(2, 2, 1, bias=False)
    assert Params().measure(nn.Sequential(layer, nn.ReLU(), layer), image_batches(1), seed=0) == 4
