"""Surgery: what attackers do to a model when they know that its architecture was chosen to hinder them.

Operations that let little through (skips, poolings, 1x1 convolutions, edges that are missing) get a 3x3 convolution
beside them. Its normalisation begins at scale zero, so the opened model computes at first exactly what the given one
does, and what it can learn is no longer what the lock allowed. Growing a network without changing its function is
Net2Net (Chen et al. 2016); a branch that begins at scale zero is from Goyal et al. 2017, section 5.1. Then width is
added: a second body with weights of its own beside the first.
"""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.models.cell import OUTPUT, Cell
from archlock.models.classifier import Classifier, Side
from archlock.models.heads import begun_anew, linear_head
from archlock.models.initialisation import draw_part, drawing
from archlock.models.network import Network
from archlock.models.one_row import as_built_for
from archlock.models.operations import ConvolutionNorm, wants_rectified
from archlock.models.replacing import put
from archlock.tasks import Form

PASSING = (nn.Identity, nn.AvgPool2d, nn.MaxPool2d, nn.LPPool2d)
"""Modules without weights that hand feature maps on."""


class OpenedCell(nn.Module):
    """A cell with all six edges: what was there is kept, and a 3x3 convolution stands beside all that is not one.

    ``operations`` holds the given operations and ``branches`` the convolutions, by the names of their edges. A branch
    into a node that plays a part in the given cell begins at scale zero. A node without a part (nothing reached it, or
    nothing led from it to the output) is seen by such branches alone, so branches into it begin at scale one: two
    scales of zero in a row would never get a gradient. A given operation that read a node which nothing reached goes
    on reading zero.
    """

    def __init__(self, cell: Cell, form: Form = "image") -> None:
        super().__init__()
        self.operations = cell.operations
        self.rectifier = nn.ReLU()
        self.branches = nn.ModuleDict()
        self.reached = _closure({0}, cell.edges)
        leading = _closure({OUTPUT}, [(head, tail) for tail, head in cell.edges])
        for head in range(1, OUTPUT + 1):
            for tail in range(head):
                if tail in self.reached and _is_open(cell, f"{tail}-{head}"):
                    continue
                channels, stride = (cell.channels_in, cell.stride) if tail == 0 else (cell.channels_out, 1)
                branch = _beside(channels, cell.channels_out, stride, form)
                if head == OUTPUT or head in self.reached & leading:
                    nn.init.zeros_(branch.norm.weight)
                self.branches[f"{tail}-{head}"] = branch

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d y x"]:
        """Feature maps of the shape that the given cell makes."""
        nodes, rectified = [images], [self.rectifier(images)]
        for head in range(1, OUTPUT + 1):
            arriving: list[Tensor] = []
            for tail in range(head):
                name = f"{tail}-{head}"
                if name in self.operations:
                    module = self.operations[name]
                    source = rectified[tail] if wants_rectified(module) else nodes[tail]
                    arriving.append(module(source if tail in self.reached else source * 0))
                if name in self.branches:
                    arriving.append(self.branches[name](rectified[tail]))
            total = arriving[0]
            for one in arriving[1:]:
                total = total + one
            nodes.append(total)
            rectified.append(self.rectifier(total))
        return nodes[OUTPUT]


class OpenedModule(nn.Module):
    """A module that hands feature maps on, and beside it ReLU, 3x3 convolution and normalisation at scale zero."""

    def __init__(self, given: nn.Module, channels: int, form: Form = "image") -> None:
        super().__init__()
        self.given = given
        self.rectifier, self.branch = nn.ReLU(), _beside(channels, channels, 1, form)
        nn.init.zeros_(self.branch.norm.weight)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Feature maps of the same shape."""
        result: Tensor = self.given(images) + self.branch(self.rectifier(images))
        return result


def opened(model: nn.Module, images: Float[Tensor, "n c h w"], *, seed: int) -> nn.Module:
    """A copy of the model that computes the same in evaluation mode and has a 3x3 convolution to learn everywhere.

    Where the model has cells of ours, each becomes an :class:`OpenedCell`. In any other model every identity or pooling
    that keeps the shape of its feature maps, as seen on ``images`` (which the model must take), becomes an
    :class:`OpenedModule`; where there is none, the copy is the model.
    """
    copy = deepcopy(model)
    form: Form = model.signature.form if isinstance(model, Network) else "image"
    cells = {name: module for name, module in copy.named_modules() if name and isinstance(module, Cell)}
    parameter = next(copy.parameters(), torch.zeros(()))
    channels = {} if cells else _passing(copy, images.to(parameter.device, parameter.dtype))
    with drawing(seed, "surgery"):
        for name, cell in cells.items():
            put(copy, name, OpenedCell(cell, form).to(parameter.device, parameter.dtype).train(cell.training))
        for name, count in channels.items():
            given = copy.get_submodule(name)
            new = OpenedModule(given, count, form).to(parameter.device, parameter.dtype).train(given.training)
            put(copy, name, new)
    return copy


def widened(model: nn.Module, *, seed: int) -> Classifier:
    """The body of a classifier, a copy of it with new random weights beside it, and the head on the features of both.

    For the features of the second body the head has zeros, so it answers what the model answers. The model is one of
    ours, or what :func:`~archlock.models.taking_apart.as_classifier` made of another. Its body keeps its weights. What
    nobody knows how to draw in a stranger's model begins in both bodies as it was trained (bare parameters, see
    :func:`~archlock.models.resetting.reset`). A head that is no ``nn.Linear`` raises
    :class:`~archlock.errors.UnsupportedError`.
    """
    old = linear_head(model)
    bodies = [_without_head(one) for one in (model, begun_anew(model, seed=seed)[0])]
    with torch.random.fork_rng(devices=[]):
        head = nn.Linear(len(bodies) * old.in_features, old.out_features, bias=old.bias is not None)
    head = head.to(old.weight.device, old.weight.dtype)
    with torch.no_grad():
        head.weight.zero_()
        head.weight[:, : old.in_features] = old.weight
        if old.bias is not None:
            head.bias.copy_(old.bias)
    return Classifier(Side(bodies), head).train(model.training)


def _closure(begun: set[int], edges: Collection[tuple[int, int]]) -> frozenset[int]:
    """All nodes that are reached from the given ones along the edges (tail, head)."""
    found = set(begun)
    while more := {head for tail, head in edges if tail in found} - found:
        found |= more
    return frozenset(found)


def _is_open(cell: Cell, name: str) -> bool:
    """Whether there is a 3x3 convolution on that edge."""
    if name not in cell.operations:
        return False
    module = cell.operations[name]
    return isinstance(module, ConvolutionNorm) and module.convolution.kernel_size[1] == 3


def _beside(channels_in: int, channels_out: int, stride: int, form: Form) -> ConvolutionNorm:
    """A 3x3 convolution (of signals a 1x3 one) with its first weights."""
    branch = as_built_for(form, ConvolutionNorm(channels_in, channels_out, 3, stride))
    assert isinstance(branch, ConvolutionNorm)
    draw_part(branch)
    return branch


def _passing(model: nn.Module, images: Tensor) -> dict[str, int]:
    """Names of the modules that hand feature maps on in their own shape, with the number of channels there."""
    copy = deepcopy(model).eval()
    channels: dict[str, set[int | None]] = {}

    def look(name: str) -> Any:
        def hook(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any], answer: Any) -> None:
            shape, *others = {tuple(maps.shape) if isinstance(maps, Tensor) else () for maps in (*given, answer)}
            same = len(given) == 1 and not named and not others and len(shape) == 4
            channels.setdefault(name, set()).add(shape[1] if same else None)

        return hook

    for name, module in copy.named_modules():
        if name and isinstance(module, PASSING):
            module.register_forward_hook(look(name), with_kwargs=True)
    with torch.no_grad():
        copy(images)
    return {name: count for name, (count, *others) in channels.items() if count is not None and not others}


def _without_head(model: nn.Module) -> nn.Module:
    """A copy that returns what its head would get."""
    if isinstance(model, Classifier):
        return deepcopy(model.body)
    copy = deepcopy(model)
    copy.head = nn.Identity()
    return copy
