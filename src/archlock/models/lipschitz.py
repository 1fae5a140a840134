"""How far an answer can move with an image: what layers allow, and what a model does at given images.

The bound is the product over layers (Szegedy et al., "Intriguing properties of neural networks", ICLR 2014, section
4.3), which holds for networks that are layers in a row; where layers run side by side (shortcuts) it is not said.
It is loose: the measured constant, at images, is a lower bound of the true one. Both in L2.
"""

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models.classifier import Classifier, Tap, Tapped
from archlock.models.network import Normalise

STEPS: Final = 1000
"""Most steps of a power iteration."""
SETTLED: Final = 1e-7
"""Relative change of a norm from one step to the next at which it has settled."""
_ONE: Final = (nn.Identity, nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Flatten, nn.Dropout, nn.AdaptiveAvgPool2d)
"""Move an answer no farther than its input (a slope of at most 1 for LeakyReLU, one window for the average)."""


def operator_norm(layer: nn.Linear | nn.Conv2d, shape: tuple[int, ...], *, seed: int = 0) -> float:
    """Largest factor by which a layer, without its bias, stretches an input of that shape (without the batch).

    By power iteration on the layer as it is at that size, padding and stride included; what it finds is at most the
    true norm, and within a relative 1e-3 of it as a rule. A layer of zeros has 0.
    """
    double = _without_bias(layer)
    numbers = torch.Generator().manual_seed(seed)
    vector = torch.randn(1, *shape, generator=numbers, dtype=torch.float64)
    vector, norm = vector / vector.norm(), 0.0
    for _ in range(STEPS):
        with torch.enable_grad():
            leaf = vector.clone().requires_grad_(True)
            said = double(leaf)
            (back,) = torch.autograd.grad(said, leaf, said.detach())  # (the transpose, applied to what was said)
        before, norm = norm, float(said.detach().norm())
        if norm == 0 or abs(norm - before) <= SETTLED * norm:
            break
        vector = back / back.norm()
    return norm


def lipschitz_bound(model: nn.Module, shape: tuple[int, int, int]) -> float:
    """Product of the norms of the layers of an ``nn.Sequential``, in evaluation mode, for images of that shape.

    One that was taken apart into body and head counts as what it was. Knows normalisation of images, linear layers,
    convolutions, batch normalisation with running statistics, averages over a whole image or over windows that do not
    overlap, and activations that stretch nothing. Anything else raises UnsupportedError by name.
    """
    bound, images = 1.0, torch.zeros(1, *shape)
    for layer in _in_a_row(model):
        bound *= _factor(layer, tuple(images.shape[1:]))
        with torch.no_grad():
            images = _evaluated(layer, images)
    return bound


def local_constants(model: nn.Module, images: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The spectral norm of the Jacobian of the logits at each image: exact, one pass back for each output.

    The model, whose answers are N x outputs, is looked at as it stands (put it in evaluation mode) and left as it was.
    Answers without a gradient in the images raise MeasurementError.
    """
    with torch.enable_grad():
        leaf = images.detach().requires_grad_(True)
        answers = model(leaf)
        if not answers.requires_grad:
            raise MeasurementError(f"the answers of {type(model).__name__} have no gradient in its images")
        rows = [
            torch.autograd.grad(answers[:, output].sum(), leaf, retain_graph=True)[0].flatten(1)
            for output in range(answers.shape[1])
        ]
    found: Tensor = torch.linalg.matrix_norm(torch.stack(rows, 1).double(), 2)
    return found


def _in_a_row(model: nn.Module) -> list[nn.Module]:
    """The layers of sequences within sequences."""
    if isinstance(model, nn.Sequential):
        return [layer for part in model for layer in _in_a_row(part)]
    if isinstance(model, Classifier) and isinstance(model.body, Tapped):
        *layers, last = _in_a_row(model.body.model)
        if isinstance(last, Tap) and not last.convolution and layers:
            return [*layers, model.head]
    return [model]


def _factor(layer: nn.Module, shape: tuple[int, ...]) -> float:
    """By how much a layer can stretch an input of that shape."""
    if isinstance(layer, nn.Linear | nn.Conv2d):
        return operator_norm(layer, shape)
    if isinstance(layer, Normalise):
        return float((1 / layer.std).max())
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.running_var is not None:
        scale = torch.ones_like(layer.running_var) if layer.weight is None else layer.weight.detach().abs()
        return float((scale / (layer.running_var + layer.eps).sqrt()).max())
    if isinstance(layer, nn.AvgPool2d) and layer.kernel_size == layer.stride and layer.padding in (0, (0, 0)):
        return 1.0
    if isinstance(layer, _ONE) and not (isinstance(layer, nn.LeakyReLU) and abs(layer.negative_slope) > 1):
        if isinstance(layer, nn.AdaptiveAvgPool2d) and layer.output_size not in (1, (1, 1)):
            raise UnsupportedError(f"no bound is known for {layer}: its windows may overlap")
        return 1.0
    raise UnsupportedError(
        f"no bound is known for {type(layer).__name__}; a Lipschitz bound is a product over layers in a row "
        "(nn.Sequential), of linear layers, convolutions, batch normalisation, averages and activations"
    )


@torch.no_grad()
def _evaluated(layer: nn.Module, images: Tensor) -> Tensor:
    """The answer in evaluation mode; the layer keeps its own."""
    training = layer.training
    try:
        answer: Tensor = layer.eval()(images)
        return answer
    finally:
        layer.train(training)


def _without_bias(layer: nn.Linear | nn.Conv2d) -> nn.Module:
    """A copy in double precision whose weights are constants, and that is linear."""
    copy: nn.Linear | nn.Conv2d
    if isinstance(layer, nn.Linear):
        copy = nn.Linear(layer.in_features, layer.out_features, bias=False)
    else:
        copy = nn.Conv2d(
            layer.in_channels,
            layer.out_channels,
            (layer.kernel_size[0], layer.kernel_size[1]),
            stride=(layer.stride[0], layer.stride[1]),
            padding=layer.padding if isinstance(layer.padding, str) else (layer.padding[0], layer.padding[1]),
            dilation=(layer.dilation[0], layer.dilation[1]),
            groups=layer.groups,
            bias=False,
            padding_mode=layer.padding_mode,
        )
    copy = copy.double().requires_grad_(False)
    copy.weight.copy_(layer.weight.detach().double())
    return copy
