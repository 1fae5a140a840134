"""Dead filters, rank, condition number and the gap: closed forms, and the bound on hundreds of matrices."""

import math

import pytest
import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.models import condition_bound, condition_gap, conditioning_of, weight_matrices


def of_values(*values: float, columns: int = 9, seed: int = 0) -> Tensor:
    """A matrix with these singular values."""
    numbers = torch.Generator().manual_seed(seed)
    count = len(values)
    left = torch.linalg.qr(torch.randn(count, count, generator=numbers, dtype=torch.float64)).Q
    right = torch.linalg.qr(torch.randn(columns, count, generator=numbers, dtype=torch.float64)).Q
    return left @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ right.T


def test_the_gap_is_half_the_log_of_the_arithmetic_over_the_geometric_mean() -> None:
    squares = torch.tensor([9.0, 4.0, 1.0], dtype=torch.float64)
    expected = 0.5 * (squares.mean().log() - squares.log().mean())
    assert float(condition_gap(of_values(3, 2, 1), floor=0.0)) == pytest.approx(float(expected), abs=1e-12)
    assert float(condition_gap(of_values(3, 2, 1).T, floor=0.0)) == pytest.approx(float(expected), abs=1e-12)


def test_the_gap_is_zero_for_equal_values_and_knows_no_scale() -> None:
    for floor in (0.0, 1e-4, 0.1):
        assert float(condition_gap(of_values(2, 2, 2, 2), floor=floor)) == pytest.approx(0, abs=1e-9)
        one = float(condition_gap(of_values(5, 2, 0.1), floor=floor))
        assert one > 0
        for scale in (1e-6, 1e6):
            assert float(condition_gap(scale * of_values(5, 2, 0.1), floor=floor)) == pytest.approx(one, abs=1e-9)
    tiny = of_values(5, 2, 0).float() * 1e-8
    assert math.isfinite(float(condition_gap(tiny))), "a lost rank stays finite with a floor, however small the weights"


def test_the_bound_holds_on_three_hundred_matrices_and_is_attained() -> None:
    numbers = torch.Generator().manual_seed(1)
    for index in range(300):
        rows, columns = 2 + index % 6, 2 + index % 11
        weights = torch.randn(rows, columns, generator=numbers, dtype=torch.float64) ** (1 + index % 3)
        values = torch.linalg.svdvals(weights)
        gap = float(condition_gap(weights, floor=0.0))
        assert gap >= 0
        assert math.log(values[0] / values[-1]) <= condition_bound(gap, min(rows, columns)) + 1e-9
    # equality: largest and smallest with squares that add up to twice the square of all others
    small = 1e-3
    worst = of_values(math.sqrt(2 - small**2), 1.0, 1.0, small)
    gap = float(condition_gap(worst, floor=0.0))
    assert math.log(math.sqrt(2 - small**2) / small) / condition_bound(gap, 4) == pytest.approx(1, abs=1e-6)


def test_the_gap_has_its_gradient() -> None:
    weights = of_values(3, 1, 0.5, columns=5).requires_grad_(True)
    assert torch.autograd.gradcheck(condition_gap, (weights,))


def test_descending_the_gap_brings_the_condition_number_down() -> None:
    weights = of_values(8, 2, 0.25, columns=5).requires_grad_(True)
    for _ in range(200):
        (gradient,) = torch.autograd.grad(condition_gap(weights), weights)
        weights = (weights - 2.0 * gradient).detach().requires_grad_(True)
    values = torch.linalg.svdvals(weights.detach())
    assert float(values[0] / values[-1]) < 4 < 32


def test_layers_are_told_apart() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3, groups=6), nn.Conv2d(6, 4, 1, groups=2), nn.Flatten(), nn.Linear(4, 3)
    )
    with torch.no_grad():
        model[0].weight[4] = 0
        model[4].weight[2] = model[4].weight[0] + model[4].weight[1]
    first, depthwise, grouped, last = conditioning_of(model)
    assert (first.name, first.filters, first.dead, first.rank, first.full_rank) == ("0", 6, 1, 5, 5)
    living = model[0].weight.detach().double().flatten(1)[[0, 1, 2, 3, 5]]
    values = torch.linalg.svdvals(living)
    assert first.condition == pytest.approx(float(values[0] / values[-1]))
    assert first.gap == pytest.approx(float(condition_gap(living, floor=0.0)))
    assert depthwise.condition is None
    assert depthwise.note == "no condition number: every filter has a group of its own (depthwise)"
    assert (grouped.rank, grouped.full_rank) == (4, 4)
    assert len(weight_matrices(model[2])) == 2
    assert (last.rank, last.full_rank, last.gap) == (2, 3, None)
    assert last.note == "the rank is 2 of 3, so the gap is infinite"


def test_an_emptied_layer_is_said() -> None:
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.zero_()
    (found,) = conditioning_of(layer)
    assert (found.dead, found.rank, found.condition) == (2, 0, None)
    assert found.note == "no condition number: all of its filters are dead"
    with pytest.raises(MeasurementError, match="the weights are all zero"):
        condition_gap(layer.weight)
