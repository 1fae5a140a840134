from archlock.proxies.flops import Flops
from proxy_networks import image_batches, residual


def test_multiply_adds_of_one_image_by_hand():
    by_hand = 16 * (2 * 3 * 9) + 16 * (3 * 3) + 3 * 3
    for size in (1, 6):
        assert Flops().measure(residual(), image_batches(1, size), seed=0) == by_hand
