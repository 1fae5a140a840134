"""How far answers move with images: exact for linear networks, and the bound above what is measured."""

import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import lipschitz_bound, local_constants, operator_norm
from masked_models import Detached


def matrix_of(layer: nn.Module, shape: tuple[int, ...]) -> torch.Tensor:
    """The layer, less its answer to zeros, as a matrix: one column of each unit image."""
    size = torch.Size(shape).numel()
    with torch.no_grad():
        basis = torch.eye(size).reshape(size, *shape)
        return (layer(basis) - layer(torch.zeros(1, *shape))).flatten(1).T.double()


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(2, 3, 3, padding=1),
        nn.Conv2d(2, 4, 3, stride=2, groups=2),
        nn.Conv2d(2, 3, 3, padding="same", padding_mode="circular"),
    ],
)
def test_the_norm_of_a_convolution_is_that_of_its_matrix_at_that_size(layer: nn.Conv2d) -> None:
    expected = float(torch.linalg.matrix_norm(matrix_of(layer, (2, 5, 6)), 2))
    assert operator_norm(layer, (2, 5, 6)) == pytest.approx(expected, rel=2e-3)
    assert layer.weight.grad is None


def test_the_norm_of_a_linear_layer_is_its_largest_singular_value() -> None:
    layer = nn.Linear(7, 4)
    expected = float(torch.linalg.matrix_norm(layer.weight.detach().double(), 2))
    assert operator_norm(layer, (7,)) == pytest.approx(expected, rel=2e-3)
    with torch.no_grad():
        layer.weight.zero_()
    assert operator_norm(layer, (7,)) == 0


def test_a_linear_network_has_one_constant_everywhere() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Linear(5, 3)).eval()
    product = model[2].weight.detach().double() @ model[1].weight.detach().double()
    exact = float(torch.linalg.matrix_norm(product, 2))
    found = local_constants(model, torch.rand(4, 1, 3, 4))
    assert found.tolist() == pytest.approx([exact] * 4, rel=1e-5)
    each = [float(torch.linalg.matrix_norm(model[place].weight.detach().double(), 2)) for place in (1, 2)]
    assert lipschitz_bound(model, (1, 3, 4)) == pytest.approx(each[0] * each[1], rel=4e-3)
    assert exact < each[0] * each[1]


def test_the_bound_is_above_what_is_measured_in_evaluation_mode() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 5, 3),
        nn.LeakyReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 3),
    )
    model[0][1].running_var.fill_(0.25)
    model.eval()
    images = torch.rand(6, 1, 8, 8)
    bound, found = lipschitz_bound(model, (1, 8, 8)), local_constants(model, images)
    assert 0 < float(found.max()) <= 1.01 * bound
    near = images + 1e-3 * torch.randn_like(images)
    with torch.no_grad():
        moved = (model(near) - model(images)).norm(dim=1) / (near - images).flatten(1).norm(dim=1)
    assert float(moved.max()) <= 1.01 * float(found.max())
    model[0][1].running_var.fill_(1.0)
    assert lipschitz_bound(model, (1, 8, 8)) == pytest.approx(bound / 2, rel=1e-3), (
        "twice the deviation, half the slope"
    )
    assert not any(part.training for part in model.modules())


def test_what_has_no_bound_is_named() -> None:
    for layer, words in (
        (nn.MaxPool2d(3, stride=1), "no bound is known for MaxPool2d"),
        (nn.LeakyReLU(2.0), "no bound is known for LeakyReLU"),
        (nn.BatchNorm2d(1, track_running_stats=False), "no bound is known for BatchNorm2d"),
        (nn.AdaptiveAvgPool2d(3), "its windows may overlap"),
    ):
        with pytest.raises(UnsupportedError, match=words):
            lipschitz_bound(nn.Sequential(nn.Identity(), layer), (1, 4, 4))
    with pytest.raises(MeasurementError, match="the answers of Detached have no gradient in its images"):
        local_constants(Detached().requires_grad_(False), torch.rand(2, 1, 2, 2))
