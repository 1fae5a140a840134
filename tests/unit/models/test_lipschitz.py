"""How far answers move with images: exact for linear networks, and the bound above what is measured."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import build, lipschitz_bound, local_constants, stretching_of
from archlock.spaces import SPACES
from archlock.testing.small_tasks import small_digits
from masked_models import Detached

Shape = tuple[int, int, int]


def matrix_of(layer: nn.Module, shape: tuple[int, ...]) -> torch.Tensor:
    """The layer, less its answer to zeros, as a matrix: one column of each unit image."""
    size = torch.Size(shape).numel()
    with torch.no_grad():
        basis = torch.eye(size).reshape(size, *shape)
        return (layer(basis) - layer(torch.zeros(1, *shape))).flatten(1).T.double()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(2, 3, 3, padding=1), (2, 5, 6)),
        (nn.Conv2d(2, 4, 3, stride=2, groups=2), (2, 5, 6)),
        (nn.Conv2d(2, 3, 3, dilation=2), (2, 5, 6)),
        (nn.Linear(6, 4), (2, 5, 6)),
        (nn.ConvTranspose2d(2, 3, 2, stride=2), (2, 3, 3)),
        (nn.AvgPool2d(3, stride=1, divisor_override=2), (2, 5, 6)),
        (nn.AdaptiveAvgPool2d((2, 4)), (2, 5, 6)),
        (nn.AdaptiveAvgPool2d(1), (2, 5, 6)),
        (nn.Upsample(scale_factor=2), (2, 3, 3)),
    ],
)
def test_the_norm_of_a_linear_layer_is_that_of_its_matrix_at_that_size(layer: nn.Module, shape: Shape) -> None:
    expected = float(torch.linalg.matrix_norm(matrix_of(layer, shape), 2))
    found = stretching_of(nn.Sequential(layer), shape)
    assert found.bound == pytest.approx(expected, rel=2e-3)
    assert all(norm == pytest.approx(expected, rel=2e-3) for norm in found.layers.values())
    assert all(value.grad is None for value in layer.parameters())


def test_a_layer_of_zeros_stretches_nothing() -> None:
    layer = nn.Conv2d(2, 3, 3)
    nn.init.zeros_(layer.weight)
    assert stretching_of(nn.Sequential(layer), (2, 5, 6)).bound == 0


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


class Paths(nn.Module):
    """Where paths meet: sums, side by side, a maximum over windows that overlap, a slice that is padded."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(6, 2, 1)
        self.head = nn.Linear(2, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.first((images - 0.5) / 0.25)
        maps += nn.functional.pad(images, (0, 0, 0, 0, 0, 2))
        maps = torch.relu(maps)
        both = torch.cat([maps, torch.sub(nn.functional.hardswish(maps), maps, alpha=2)], 1)
        pooled = nn.functional.max_pool2d(self.second(both), 3, stride=2, padding=1)
        answers: torch.Tensor = self.head(pooled[:, :, ::2].mean((2, 3)))
        return answers


@pytest.mark.parametrize("name", list(SPACES))
def test_networks_of_ours_have_a_bound_above_what_is_measured(name: str) -> None:
    task = small_digits(train=20, validation=10, test=10)
    network = build(SPACES[name].sample(np.random.default_rng(0)), task.signature, width=4, depth=1, seed=0).eval()
    found = stretching_of(network, task.shape)
    assert found.bound is not None, found.note
    assert found.bound >= float(local_constants(network, torch.rand(4, *task.shape)).max()) > 0
    assert found.layers


def test_the_bound_holds_where_paths_meet() -> None:
    torch.manual_seed(2)
    model, images = Paths().eval(), torch.rand(32, 1, 6, 6)
    found = stretching_of(model, (1, 6, 6))
    assert set(found.layers) == {"first", "second", "head"}
    assert found.bound is not None
    assert found.bound >= float(local_constants(model, images).max()) > 0
    first, second, head = (found.layers[name] for name in ("first", "second", "head"))
    maps = 4 * first + 1
    both = math.hypot(maps, 1.5 * maps + 2 * maps)
    assert found.bound == pytest.approx(head * second * both * 2 / math.sqrt(6), rel=1e-6)  # (2: windows of 3 by 2)


def test_what_has_no_bound_is_named_and_the_layers_have_their_norms() -> None:
    class Squared(nn.Sequential):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = super().forward(images)
            return (maps * maps).flatten(1)

    for layer, words in (
        (nn.BatchNorm2d(2, track_running_stats=False), "no bound is known for batch normalisation by the statistics"),
        (nn.GroupNorm(1, 2), "no bound is known for native_group_norm"),
        (nn.Identity(), "mul of two things that depend on the image has no bound"),
    ):
        model = Squared(nn.Conv2d(1, 2, 3), layer)
        found = stretching_of(model, (1, 4, 4))
        assert found.bound is None
        assert found.layers["0"] > 0
        assert model.training, "it is left as it was"
        with pytest.raises(UnsupportedError, match=words):
            lipschitz_bound(model, (1, 4, 4))
    with pytest.raises(UnsupportedError, match="writes into a tensor that is seen from two places"):
        lipschitz_bound(Viewing(), (1, 4, 4))
    with pytest.raises(MeasurementError, match="the answers of Detached have no gradient in its images"):
        local_constants(Detached().requires_grad_(False), torch.rand(2, 1, 2, 2))


class Viewing(nn.Module):
    """Writes into a view, so that what it is a view of changes too."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = 2 * images
        maps[:, :, 0] += images[:, :, 1]
        return maps.flatten(1)
