"""One forward and one backward pass of the task's loss, and everything that proxies read off it.

The gradients of the weights serve grad_norm, plain, snip and zico, the layers' outputs fisher, the rectifiers' codes
nwot. What is large (activations and their gradients) is reduced while the pass runs and never kept.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from archlock.proxies.gradients import gradients
from archlock.proxies.layers import RECTIFIERS, WEIGHT_LAYERS, layer_weights
from archlock.training import Batch, loss_of


@dataclass(frozen=True, slots=True, eq=False)
class LossPass:
    """What a pass told. Tensors lie on the model's device in the model's precision unless their type says float64."""

    weights: dict[str, Float[Tensor, "..."]]
    """Weight of every weight layer, by the layer's name."""
    gradients: dict[str, Float[Tensor, "..."]]
    """Gradient of the mean loss with respect to them; zeros where none arrives."""
    saliencies: tuple[Float64[Tensor, "examples _"], ...]
    """For every use of a weight layer: its output times the loss's gradient there, summed over all but channels."""
    codes_kernel: Float64[Tensor, "examples examples"]
    """For two images, the number of rectified units in which their binary codes agree."""
    rectifiers: int
    """Uses of rectifiers that the kernel counts: those through which the loss's gradient passes, each once for every
    weight layer that reads it directly (once if none does)."""
    sees_images: bool
    """Whether any of the loss's gradient arrives at the images."""


def loss_pass(model: nn.Module, batch: Batch) -> LossPass:
    """Run the pass on a private model and a private batch."""
    notes = _Notes(batch)
    weights = layer_weights(model)
    images = batch.images.requires_grad_()
    with ExitStack() as hooks:
        hooks.callback(notes.forward_done)
        for module in model.modules():
            if isinstance(module, WEIGHT_LAYERS):
                hooks.enter_context(module.register_forward_hook(notes.on_weight_layer))
            elif isinstance(module, RECTIFIERS):
                hooks.enter_context(module.register_forward_hook(notes.on_rectifier))
        loss = loss_of(model(images), batch.targets)
    arrived, *slopes = gradients(loss, [images, *weights.values()])
    return LossPass(
        weights={name: weight.detach() for name, weight in weights.items()},
        gradients=dict(zip(weights, slopes, strict=True)),
        saliencies=tuple(notes.saliencies),
        codes_kernel=notes.kernel,
        rectifiers=notes.rectifiers,
        sees_images=bool(arrived.any()),
    )


class _Notes:
    """Reads activations going forward and their gradients going backward. A use without gradient leaves no note."""

    def __init__(self, batch: Batch) -> None:
        count = len(batch)
        self.saliencies: list[Tensor] = []
        self.kernel = torch.zeros(count, count, dtype=torch.float64, device=batch.images.device)
        self.rectifiers = 0
        self._rectified: dict[int, tuple[Tensor, list[int]]] = {}  # by id: a rectifier's output and its readers

    def forward_done(self) -> None:
        """Let go of the graph, which would otherwise hold itself through its hooks."""
        self._rectified.clear()

    def on_weight_layer(self, layer: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> Tensor | None:
        if arguments and id(arguments[0]) in self._rectified:
            self._rectified[id(arguments[0])][1][0] += 1
        if not output.requires_grad:
            return None
        channels_at = output.dim() - 1 if isinstance(layer, nn.Linear) else 1
        summed = [axis for axis in range(1, output.dim()) if axis != channels_at]

        values = output.detach()

        def backward(gradient: Tensor) -> None:
            products = values * gradient
            self.saliencies.append(products.sum(summed, dtype=torch.float64) if summed else products.double())

        output.register_hook(backward)  # type: ignore[no-untyped-call]
        return output.clone()  # what follows may work in place; the output itself stays as it was

    def on_rectifier(self, _module: nn.Module, _: Any, output: Tensor) -> None:
        if not output.requires_grad:
            return
        codes = output.detach().flatten(1) > 0
        readers = [0]
        self._rectified[id(output)] = (output, readers)

        def backward(gradient: Tensor) -> None:
            if bool(gradient.any()):
                times = max(1, readers[0])
                self.kernel += times * agreement(codes)
                self.rectifiers += times

        output.register_hook(backward)  # type: ignore[no-untyped-call]


def agreement(codes: Tensor) -> Float64[Tensor, "examples examples"]:
    """Units minus Hamming distance for every pair of rows of a boolean matrix: c c' + (1 - c)(1 - c)'."""
    dense = codes.to(torch.float32)  # counts up to 2**24 units are exact
    on = dense.sum(dim=1, dtype=torch.float64)
    both = (dense @ dense.T).double()
    return codes.shape[1] - on[:, None] - on[None, :] + 2 * both
