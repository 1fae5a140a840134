"""One forward pass on a batch and what runs back through it, and everything that proxies read off it.

Back runs the task's loss (weight gradients for grad_norm, plain, snip and zico, the layers' outputs for fisher, the
rectifiers' codes for nwot, linear_regions and swap), and through the same graph the sum of all outputs (the input
Jacobian of jacov and epe_nas) and the square of the gradient (the Hessian of grasp). Only what is asked for is
computed, and asking for more changes no bit of the rest. What is large (activations and their gradients) is reduced
while the pass runs and never kept.
"""

import math
from collections.abc import Set
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn

from archlock.proxies.gradients import gradients
from archlock.proxies.layers import RECTIFIERS, WEIGHT_LAYERS, layer_weights
from archlock.proxies.second_order import cheap_second_derivatives
from archlock.training import Batch, loss_of

LossPart = Literal["gradients", "saliencies", "kernel", "patterns", "curvature", "jacobian"]
"""A part of the pass that may be asked for."""

ALL_PARTS: Final[frozenset[LossPart]] = frozenset(get_args(LossPart))

_WORD, _EXACT = 64, 24  # images in one word of a pattern; bits that float32 adds exactly


@dataclass(frozen=True, slots=True, eq=False)
class LossPass:
    """What a pass found; what was not asked for is empty or zero.

    Tensors lie on the model's device in the model's precision unless their type says float64.
    """

    parts: frozenset[LossPart]
    """What was asked for."""
    weights: dict[str, Float[Tensor, "..."]]
    """Weight of every weight layer, by the layer's name."""
    gradients: dict[str, Float[Tensor, "..."]]
    """Gradient of the mean loss with respect to them; zeros where none arrives."""
    saliencies: tuple[Float64[Tensor, "examples _"], ...]
    """For every use of a weight layer: its output times the loss's gradient there, summed over all but channels."""
    codes_kernel: Float64[Tensor, "examples examples"]
    """For two images, the number of rectified units in which their binary codes agree."""
    patterns: Int64[Tensor, "units words"]
    """For every rectified unit, the images for which it is on: one bit an image, 64 images a word."""
    rectifiers: int
    """Uses of rectifiers that the kernel counts: those through which the loss's gradient passes, each once for every
    weight layer that reads it directly (once if none does)."""
    curvature: float
    """w' H g: the weights, the Hessian of the mean loss in them (biases and normalisation held fixed), its gradient."""
    jacobian: Float64[Tensor, "examples pixels"]
    """Gradient of the sum of all outputs with respect to each image, on the CPU."""
    loss: float
    """The mean loss; NaN if only the Jacobian was asked for."""
    sees_images: bool
    """Whether any of the loss's gradient arrives at the images; False if only the Jacobian was asked for."""


def loss_pass(model: nn.Module, batch: Batch, parts: Set[LossPart] = ALL_PARTS) -> LossPass:
    """Run the pass on a private model and a private batch."""
    notes = _Notes(batch, parts)
    weights = layer_weights(model)
    images = batch.images.requires_grad_()
    curved = "curvature" in parts
    wanted = weights if curved or "gradients" in parts else {}
    with ExitStack() as hooks:
        hooks.callback(notes.forward_done)
        way = hooks.enter_context(cheap_second_derivatives(model))  # always: it also has the better batch statistics
        way.wanted = "gradients" if wanted else "neither"
        for module in model.modules():
            if isinstance(module, WEIGHT_LAYERS) and notes.reads_layers:
                hooks.enter_context(module.register_forward_hook(notes.on_weight_layer))
            elif isinstance(module, RECTIFIERS) and notes.reads_codes:
                hooks.enter_context(module.register_forward_hook(notes.on_rectifier))
        outputs = model(images)
    loss, sees_images, found, curvature = math.nan, False, {}, math.nan
    if parts != {"jacobian"}:
        scalar = loss_of(outputs, batch.targets, kind=batch.kind)
        inputs = [images, *wanted.values()]
        arrived, *slopes = gradients(scalar, inputs, create_graph=curved, retain_graph="jacobian" in parts)
        loss, sees_images = float(scalar.detach()), bool(arrived.any())
        found = {name: slope.detach() for name, slope in zip(wanted, slopes, strict=True)}
    notes.closed = True
    jacobian = torch.zeros(len(batch), 0, dtype=torch.float64)
    way.wanted = "neither"
    if "jacobian" in parts:
        (rows,) = gradients(outputs.sum(), [images], retain_graph=curved)
        jacobian = rows.flatten(1).double().cpu()
    if curved:
        square = torch.stack([(slope * slope.detach()).sum() for slope in slopes]).sum()  # its gradient is H g
        way.wanted = "products"
        products = gradients(square, list(wanted.values()))  # zeros where the way back notes the product itself
        curvature = sum(float((h * w.detach()).double().sum()) for h, w in zip(products, wanted.values(), strict=True))
        curvature += sum(map(float, way.products))
    return LossPass(
        parts=frozenset(parts),
        weights={name: weight.detach() for name, weight in weights.items()},
        gradients=found,
        saliencies=tuple(notes.saliencies),
        codes_kernel=notes.kernel,
        patterns=torch.cat(notes.patterns),
        rectifiers=notes.rectifiers,
        curvature=curvature,
        jacobian=jacobian,
        loss=loss,
        sees_images=sees_images,
    )


class _Notes:
    """Reads activations going forward and their gradients going backward. A use without gradient leaves no note."""

    def __init__(self, batch: Batch, parts: Set[LossPart]) -> None:
        count, device = len(batch), batch.images.device
        self.parts = parts
        self.reads_codes = bool(parts & {"kernel", "patterns"})
        self.reads_layers = self.reads_codes or "saliencies" in parts
        self.closed = False  # the loss has run back: what runs back afterwards leaves no notes
        self.saliencies: list[Tensor] = []
        self.kernel = torch.zeros(count, count, dtype=torch.float64, device=device)
        self.patterns = [torch.zeros(0, -(-count // _WORD), dtype=torch.int64, device=device)]
        self.rectifiers = 0
        self._rectified: dict[int, tuple[Tensor, list[int]]] = {}  # by id: a rectifier's output and its readers

    def forward_done(self) -> None:
        """Let go of the graph, which would otherwise hold itself through its hooks."""
        self._rectified.clear()

    def on_weight_layer(self, layer: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
        if arguments and id(arguments[0]) in self._rectified:
            self._rectified[id(arguments[0])][1][0] += 1
        if not output.requires_grad or "saliencies" not in self.parts:
            return
        channels_at = output.dim() - 1 if isinstance(layer, nn.Linear) else 1
        summed = [axis for axis in range(1, output.dim()) if axis != channels_at]
        values = output.detach()
        untouched = values._version
        given = tuple(it.detach() if isinstance(it, Tensor) else it for it in arguments)

        def backward(gradient: Tensor) -> None:
            if self.closed:
                return
            # where what follows works in place; the input is as it was, for the layer's own way back parts it
            unchanged = values if values._version == untouched else layer.forward(*given).detach()
            products = unchanged * gradient.detach()
            self.saliencies.append((products.sum(summed) if summed else products).double())

        output.register_hook(backward)  # type: ignore[no-untyped-call]

    def on_rectifier(self, _module: nn.Module, _: Any, output: Tensor) -> None:
        if not output.requires_grad:
            return
        codes = rows(output.detach()) > 0
        readers = [0]
        self._rectified[id(output)] = (output, readers)

        def backward(gradient: Tensor) -> None:
            if self.closed or not arrives(gradient):
                return
            times = max(1, readers[0])
            self.rectifiers += times
            dense = codes.to(torch.float32)  # counts up to 2**24 units are exact
            if "kernel" in self.parts:
                self.kernel += times * agreement(dense)
            if "patterns" in self.parts:
                self.patterns.append(packed(dense))

        output.register_hook(backward)  # type: ignore[no-untyped-call]


def rows(images: Float[Tensor, "examples ..."]) -> Float[Tensor, "examples units"]:
    """One row an example, its units in the order in which they lie in memory, whatever it is: no copy is made."""
    inner = sorted(range(1, images.dim()), key=images.stride, reverse=True)
    return images.permute(0, *inner).flatten(1)


def arrives(gradient: Tensor) -> bool:
    """Whether any entry is not zero; mostly the first example tells."""
    return bool(gradient[:1].any()) or bool(gradient.any())


def agreement(codes: Float[Tensor, "examples units"]) -> Float64[Tensor, "examples examples"]:
    """Units minus Hamming distance for every pair of rows of zeros and ones: c c' + (1 - c)(1 - c)'."""
    both = (codes @ codes.T).double()
    on = both.diagonal()
    return codes.shape[1] - on[:, None] - on[None, :] + 2 * both


def packed(codes: Float[Tensor, "examples units"]) -> Int64[Tensor, "units words"]:
    """Columns of zeros and ones as integers: bit i of word w is the code of example 64 w + i."""
    words = []
    for first in range(0, len(codes), _WORD):
        word = torch.zeros(codes.shape[1], dtype=torch.int64, device=codes.device)
        for start in range(first, min(first + _WORD, len(codes)), _EXACT):
            part = codes[start : min(start + _EXACT, first + _WORD)]
            bits = 2.0 ** torch.arange(len(part), dtype=part.dtype, device=part.device)
            word |= (bits @ part).long() << (start - first)
        words.append(word)
    return torch.stack(words, dim=1)
