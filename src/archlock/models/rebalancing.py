"""The same function in a form that trains: normalisation folded, channels equalised, normalisation put back.

What hinders fine-tuning without changing the function (folded normalisation, channels of very different size) is undone
by anyone with some hundred images and no labels. A convolution followed by rectifiers may give a channel away s times
as large if the next layer takes it 1/s times (Nagel et al. 2019, section 4.1); here s makes its deviation one on the
attacker's images. Then a BatchNorm is put behind every layer, whose scale and shift are the layer's own deviation and
mean, so that nothing changes. Which layer takes what from which is tried (see :mod:`~archlock.models.exact_edits`).
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.models.exact_edits import TRIED_ON, fold, given_to_layers, scale_channels
from archlock.models.replacing import put
from archlock.models.straightening import straighten
from archlock.models.taking_apart import Headed
from archlock.models.tracing import BATCH, Hook, body_layers, followed, hooked, per_channel

NORMS: Final = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
"""Of answers with so many dimensions."""


@dataclass(frozen=True, slots=True, eq=False)
class Rebalanced:
    """A model that computes what the given one does, and what was done to it."""

    model: Headed
    folded: int
    """Normalisations that were folded into the layer before them."""
    equalised: int
    """Layers whose channels have deviation one now."""
    normalised: int
    """Layers that have a normalisation behind them now."""


class Normalised(nn.Module):
    """A layer and the normalisation behind it."""

    def __init__(self, layer: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.layer, self.norm = layer, norm

    def forward(self, given: Tensor) -> Tensor:
        """The normalised answer of the layer."""
        result: Tensor = self.norm(self.layer(given))
        return result

    def __getattr__(self, name: str) -> Any:
        """What a model asks of its layer (the type of its weight, say)."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("layer"), name)


def rebalanced(model: Headed, images: Tensor) -> Rebalanced:
    """A copy that answers the same in evaluation mode, folded, equalised and normalised on ``images`` (N x C x H x W).

    Activations without a gradient get one first (see ``straightening``).

    The model is left as it was; the copy is in evaluation mode. The head is no layer of it, but takes what the last
    ones give. Layers that are used more or less than once for an answer are left alone.
    """
    copy = deepcopy(model).eval()
    parameter = next(copy.parameters(), torch.zeros(()))
    images = images.to(parameter.device, parameter.dtype)
    few = images[:TRIED_ON]
    straighten(copy, few)
    with torch.no_grad():
        folded = len(fold(copy, few))
        equalised = _equalise(copy, images, few)
        normalised = _normalise(copy, images)
    return Rebalanced(copy, folded, equalised, normalised)


def _equalise(model: Headed, images: Tensor, few: Tensor) -> int:
    """Give every channel that can be scaled freely the deviation one.

    The deviations are taken once: what is scaled here changes what one layer says, and nothing after it.
    """
    answer, given = given_to_layers(model, few)
    equalised = 0
    for name, seen in _moments(model, images, body_layers(model, few)).items():
        deviation, least = seen.deviation, torch.finfo(seen.deviation.dtype).tiny
        alive = deviation > 1e-5 * seen.mean.abs() + least  # (a constant has a deviation of rounding)
        scale = torch.where(alive, 1 / deviation.clamp(min=least), torch.ones_like(deviation))
        equalised += bool(alive.any()) and bool(scale_channels(model, name, scale, few, given, answer))
    return equalised


def _normalise(model: Headed, images: Tensor) -> int:
    """Put a BatchNorm behind every layer that has none, with scale and shift that change nothing."""
    few = images[:TRIED_ON]
    has_one = {name for name, _ in followed(model, few)}
    names = [name for name in body_layers(model, few) if name not in has_one]
    count = 0
    for name, seen in _moments(model, images, names).items():
        layer, variance = model.get_submodule(name), seen.deviation.square()
        if isinstance(layer, nn.Linear) and seen.dimensions != 2:
            continue  # (rows of tokens: no BatchNorm takes them)
        if seen.count < 2 or not bool(torch.isfinite(variance).all()):
            continue  # (of one value there is no deviation to train with)
        norm: Any = NORMS[seen.dimensions](len(variance)).to(variance.device, variance.dtype)
        norm.running_mean.copy_(seen.mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(seen.mean)
        put(model, name, Normalised(layer, norm.eval()))
        count += 1
    return count


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Of what a layer says: mean and deviation of each channel, how many values a channel has, and the dimensions."""

    mean: Tensor
    deviation: Tensor
    count: int
    dimensions: int


def _moments(model: nn.Module, images: Tensor, names: list[str]) -> dict[str, _Moments]:
    """What the named layers say of the images."""
    sums: dict[str, list[Any]] = {}

    def look(name: str) -> Hook:
        def hook(layer: nn.Module, _: Tensor, answer: Tensor) -> None:
            values = per_channel(layer, answer).double()
            total = sums.setdefault(name, [0, 0.0, 0.0, answer.ndim])
            total[0] += len(values)
            total[1] = total[1] + values.sum(0)
            total[2] = total[2] + values.square().sum(0)

        return hook

    hooks = {name: look(name) for name in names}
    for batch in torch.split(images, BATCH):
        hooked(model, batch, hooks)
    found = {}
    for name, (count, total, squares, dimensions) in sums.items():
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        found[name] = _Moments(mean.to(images.dtype), variance.sqrt().to(images.dtype), count, dimensions)
    return found
