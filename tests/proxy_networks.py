"""Tiny networks in float64 on which slow, obvious computations of the proxies are affordable."""

import copy

import torch
from torch import Tensor, nn

from archlock.training import Batch, loss_of


class Residual(nn.Module):
    """Convolution, batch norm, rectifier, a residual convolution, pooling, head: 2 x 4 x 4 images to 3 logits."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(3, 3, 1, bias=True)
        self.norm2 = nn.BatchNorm2d(3)
        self.last = nn.ReLU(inplace=True)
        self.head = nn.Linear(3, 3)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.relu(self.norm(self.stem(images)))
        return self.head(self.last(hidden + self.norm2(self.conv(hidden))).mean((2, 3)))


def residual(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Residual().double()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def image_batches(count: int = 2, size: int = 6) -> list[Batch]:
    chance = torch.Generator().manual_seed(5)
    shape = (size, 2, 4, 4)
    return [
        Batch(torch.rand(shape, generator=chance, dtype=torch.float64), torch.arange(size) % 3) for _ in range(count)
    ]


def dense_batch(size: int = 5) -> Batch:
    chance = torch.Generator().manual_seed(6)
    images, targets = (torch.rand(size, 2, 4, 4, generator=chance, dtype=torch.float64) for _ in range(2))
    return Batch(images, targets)


def dense_network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = (nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 1))
        return nn.Sequential(*layers).double()


def layer_names(model: nn.Module) -> list[str]:
    return [f"{name}.weight" for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def loss_at(model: nn.Module, batch: Batch) -> float:
    with torch.no_grad():
        return float(loss_of(copy.deepcopy(model).train()(batch.images), batch.targets))


def slow_gradients(model: nn.Module, batch: Batch, step: float = 1e-5) -> dict[str, Tensor]:
    """Gradient of the mean loss in the layer weights, by central differences, one weight at a time."""
    model = copy.deepcopy(model).requires_grad_(False)
    found = {}
    for name in layer_names(model):
        weight = model.get_parameter(name)
        gradient = torch.zeros_like(weight)
        for index in torch.cartesian_prod(*(torch.arange(n) for n in weight.shape)).tolist():
            place, kept = tuple(index), float(weight[tuple(index)])
            values = []
            for change in (step, -step):
                weight[place] = kept + change
                values.append(loss_at(model, batch))
            weight[place] = kept
            gradient[place] = (values[0] - values[1]) / (2 * step)
        found[name] = gradient
    return found


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: model.get_parameter(name).detach() for name in layer_names(model)}
