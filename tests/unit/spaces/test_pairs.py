import numpy as np

from archlock.spaces.pairs import pair_products


def test_pair_products_by_hand():
    one_hot = np.array([[[1.0, 0], [0, 1], [0, 1]]])  # choices 0, 1, 1
    assert pair_products(one_hot).tolist() == [[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]]


def test_every_pair_is_made_once():
    rng = np.random.default_rng(0)
    one_hot = np.eye(4)[rng.integers(4, size=(20, 6))]
    products = pair_products(one_hot)
    assert products.shape == (20, 15 * 16)
    np.testing.assert_array_equal(products.sum(axis=1), 15)
