import math

import pytest
import torch

from archlock.errors import MeasurementError
from archlock.training.nontransferable.mmd import mmd


def features(*sizes):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(size, 4, dtype=torch.float64, generator=generator) + place for place, size in enumerate(sizes)]


def by_hand(source, target):
    """Five Gaussian kernels, every pair of rows by itself."""
    both = [*source.tolist(), *target.tolist()]

    def square(one, other):
        return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))

    count = len(both)
    middle = sum(square(one, other) for one in both for other in both) / (count * count - count)

    def kernel(one, other):
        return sum(math.exp(-square(one, other) / (middle * factor)) for factor in (0.25, 0.5, 1, 2, 4))

    def mean(rows, others):
        return sum(kernel(one, other) for one in rows for other in others) / (len(rows) * len(others))

    first, second = source.tolist(), target.tolist()
    return mean(first, first) + mean(second, second) - 2 * mean(first, second)


@pytest.mark.parametrize("sizes", [(6, 6), (5, 3), (1, 1)])
def test_it_is_that_of_a_double_loop(sizes):
    source, target = features(*sizes)
    assert mmd(source, target).item() == pytest.approx(by_hand(source, target), rel=1e-13)


def test_the_same_rows_are_nothing_apart_and_far_ones_ten():
    source, target = features(5, 5)
    assert mmd(source, source).item() == pytest.approx(0, abs=1e-14)
    constant = torch.ones(3, 2, dtype=torch.float64)
    assert mmd(constant, constant).item() == 0, "all alike, and no width to speak of"
    near = float(mmd(source, target))
    assert 0 < near < mmd(source, target + 100).item() < 10


def test_the_gradient_drives_them_apart():
    source, target = features(6, 6)
    target.requires_grad_(True)
    before = mmd(source, target)
    before.backward()
    assert mmd(source, target.detach() + 0.1 * target.grad).item() > before.item()
    assert torch.isfinite(target.grad).all()


def test_an_empty_batch_is_refused():
    source, target = features(6, 0)
    with pytest.raises(MeasurementError, match="an example each at least; got 6 and 0"):
        mmd(source, target)
