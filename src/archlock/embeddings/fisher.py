"""Squared gradients of single examples, averaged over each convolution filter, for whole batches at once.

The gradient of one example in the weights of a convolution is G^T U: U the unfolded input (positions x inputs), G the
gradient in its output (positions x filters). So one backward pass to the *outputs* of the convolutions serves the whole
batch, and nothing of the size of the weights is kept. Where there are fewer positions than inputs, |G^T U|^2 is taken
as G^T (U U^T) G, which is exact too. Not here: which directions to take (``heads``), which examples (``task2vec``).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import UnsupportedError


def filter_squares(
    network: nn.Module,
    layers: Sequence[str],
    images: Float[Tensor, "examples channels height width"],
    cotangents: Callable[[Tensor], Iterable[Tensor]],
) -> tuple[Float[Tensor, "examples filters"], ...]:
    """For every layer: sum over cotangents of the mean over a filter's weights of the squared gradient, per example.

    ``cotangents`` gets the maps that the network returns and yields gradients in them. The network's parameters must
    not ask for gradients. Raises UnsupportedError for a layer that is used twice or pads otherwise than with zeros.
    """
    taps = [_Tap(name, network.get_submodule(name)) for name in layers]
    hooks = [tap.layer.register_forward_hook(tap.record) for tap in taps]
    try:
        with torch.enable_grad():
            maps = network(images)
    finally:
        for hook in hooks:
            hook.remove()
    outputs = [tap.output() for tap in taps]
    totals = [torch.zeros(len(images), tap.layer.out_channels, dtype=maps.dtype, device=maps.device) for tap in taps]
    for direction in cotangents(maps):
        gradients = torch.autograd.grad(maps, outputs, direction, retain_graph=True, materialize_grads=True)
        for tap, total, gradient in zip(taps, totals, gradients, strict=True):
            total.add_(tap.squares(gradient))
    return tuple(totals)


class _Tap:
    """What is kept of one convolution in one forward pass, enough for the weight gradient of every example."""

    def __init__(self, name: str, layer: nn.Module) -> None:
        if not isinstance(layer, nn.Conv2d) or layer.padding_mode != "zeros" or isinstance(layer.padding, str):
            raise UnsupportedError(f"layer {name!r} must be a Conv2d with numeric zero padding; got {layer}")
        self.name, self.layer, self.padding = name, layer, layer.padding
        self._output: Tensor | None = None
        self._unfolded = torch.empty(0)
        self._by_positions = False

    def record(self, _module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        if self._output is not None:
            raise UnsupportedError(
                f"layer {self.name!r} is used twice in one pass; choose a probe without shared layers"
            )
        if not output.requires_grad:
            output.requires_grad_()
        self._output = output
        unfolded = _unfold(inputs[0].detach(), self.layer, self.padding)
        self._by_positions = unfolded.shape[2] <= unfolded.shape[3]
        self._unfolded = unfolded @ unfolded.mT if self._by_positions else unfolded
        return output

    def output(self) -> Tensor:
        if self._output is None:
            raise UnsupportedError(f"layer {self.name!r} is not used by the network; leave it out")
        return self._output

    def squares(self, gradient: Tensor) -> Tensor:
        """Examples x filters: mean over the filter's weights of the squared gradient."""
        groups, weights = self.layer.groups, self.layer.weight[0].numel()
        by_filter = gradient.flatten(2).reshape(len(gradient), groups, gradient.shape[1] // groups, -1)
        if self._by_positions:  # by_filter: examples, groups, filters of the group, positions
            total: Tensor = ((by_filter @ self._unfolded) * by_filter).sum(3).clamp_min(0)
        else:
            total = (by_filter @ self._unfolded).square().sum(3)
        return total.flatten(1) / weights


def _unfold(inputs: Tensor, layer: nn.Conv2d, padding: tuple[int, ...]) -> Tensor:
    """Examples x groups x positions x inputs of one output number."""
    if layer.kernel_size == (1, 1) and padding == (0, 0):
        rows, columns = layer.stride
        unfolded: Tensor = inputs[:, :, ::rows, ::columns].flatten(2)
    else:
        unfolded = F.unfold(inputs, layer.kernel_size, layer.dilation, padding, layer.stride)
    return unfolded.reshape(len(inputs), layer.groups, -1, unfolded.shape[2]).mT
