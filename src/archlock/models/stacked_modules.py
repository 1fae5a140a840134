"""The modules of several networks as one module, side by side in the channels; see ``archlock.models.stacked``.

Feature maps are N x (networks * channels) x H x W, each network with a block of neighbouring channels.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from archlock.models.cell import OUTPUT, Cell
from archlock.models.network import Normalise
from archlock.models.operations import Affine, FactorisedReduction, wants_rectified


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A tensor of a stacked module and the modules of the single networks that have its parts, in order."""

    stacked: nn.Module
    name: str
    sources: tuple[nn.Module, ...]


def stack_modules(modules: Sequence[nn.Module], pieces: list[Piece]) -> nn.Module:
    """One module for modules that are alike (cells may differ in edges and operations), which are left as they were.

    Every tensor of the new module is added to ``pieces``.
    """
    first = modules[0]
    if isinstance(first, Cell):
        return StackedCell(modules, pieces)  # type: ignore[arg-type]
    if isinstance(first, nn.Linear):
        return _noted(StackedLinear(modules), modules, pieces)  # type: ignore[arg-type]
    if isinstance(first, FactorisedReduction):
        return StackedReduction(modules, pieces)  # type: ignore[arg-type]
    children = {name: [module.get_submodule(name) for module in modules] for name, _ in first.named_children()}
    stacked = copy.deepcopy(first, {id(alike[0]): stack_modules(alike, pieces) for alike in children.values()})
    if isinstance(stacked, nn.Conv2d):
        stacked.groups *= len(modules)
        stacked.in_channels, stacked.out_channels = (
            len(modules) * channels for channels in (stacked.in_channels, stacked.out_channels)
        )
    if isinstance(stacked, nn.BatchNorm2d):
        stacked.num_features *= len(modules)
    if isinstance(stacked, nn.GroupNorm):
        stacked.num_groups, stacked.num_channels = (
            len(modules) * number for number in (stacked.num_groups, stacked.num_channels)
        )
    if isinstance(stacked, nn.Conv2d | nn.BatchNorm2d | nn.GroupNorm | Affine | Normalise):
        with torch.no_grad():
            for name, value in [*stacked.named_parameters(recurse=False), *stacked.named_buffers(recurse=False)]:
                parts = [getattr(module, name) for module in modules]
                value.data = torch.cat(parts) if value.ndim else value
        return _noted(stacked, modules, pieces)
    return stacked


def _noted(stacked: nn.Module, modules: Sequence[nn.Module], pieces: list[Piece]) -> nn.Module:
    tensors = [*stacked.named_parameters(recurse=False), *stacked.named_buffers(recurse=False)]
    pieces.extend(Piece(stacked, name, tuple(modules)) for name, _ in tensors)
    return stacked


def blocks_of(maps: Tensor, networks: int) -> Tensor:
    """N x (networks * channels) x ... as N x networks x channels x ..."""
    return maps.view(len(maps), networks, -1, *maps.shape[2:])


class StackedLinear(nn.Module):
    """One linear layer for each network. The biases are in one dimension, as all that weight decay spares."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.cat([layer.bias.detach() for layer in layers]))

    def forward(self, features: Float[Tensor, "n kf"]) -> Float[Tensor, "k n outputs"]:
        """The answers of each network to its own block of features."""
        networks = len(self.weight)
        blocks = blocks_of(features, networks).transpose(0, 1)
        return torch.baddbmm(self.bias.view(networks, 1, -1), blocks, self.weight.transpose(1, 2))


class StackedReduction(nn.Module):
    """The factorised reductions of several networks: the two halves of each are neighbours, as in each alone."""

    def __init__(self, modules: Sequence[FactorisedReduction], pieces: list[Piece]) -> None:
        super().__init__()
        self.networks, self.down = len(modules), modules[0].down
        self.even, self.odd, self.norm = (
            stack_modules([getattr(module, part) for module in modules], pieces) for part in ("even", "odd", "norm")
        )

    def forward(self, images: Float[Tensor, "n kc h w"]) -> Float[Tensor, "n kd y x"]:
        """Feature maps of the same size, or half of it (rounded up)."""
        halves = self.even(images), self.odd(F.pad(images, (0, 1, 0, self.down))[..., self.down :, 1:])
        result: Tensor = self.norm(torch.cat([blocks_of(half, self.networks) for half in halves], 2).flatten(1, 2))
        return result


class _Deal(torch.autograd.Function):
    """Blocks of a node, once for every passage that begins there; one gradient is made for all of them."""

    @staticmethod
    def forward(context: Any, node: Tensor, *rows: Tensor) -> tuple[Tensor, ...]:
        """Node: N x networks x channels x H x W; a copy of the given blocks for every one of ``rows``."""
        context.shape = node.shape
        context.save_for_backward(*rows)
        return tuple(_picked(node, some) for some in rows)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The sum of what comes back, block by block."""
        return _gathered(context.shape, gradients, context.saved_tensors), *(None for _ in gradients)


class _Meet(torch.autograd.Function):
    """A node as the sum of the blocks that arrive there; a block where nothing arrives is zero."""

    @staticmethod
    def forward(context: Any, networks: int, rows: tuple[Tensor, ...], *arriving: Tensor) -> Tensor:
        """Arriving: N x some networks x channels x H x W each, with the rows where they belong."""
        context.save_for_backward(*rows)
        first = arriving[0]
        return _gathered((len(first), networks, *first.shape[2:]), arriving, rows)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """To each its blocks."""
        return None, None, *(_picked(gradient, some) for some in context.saved_tensors)


def _picked(node: Tensor, rows: Tensor) -> Tensor:
    """Copy of some blocks, in the memory layout of the node."""
    if _channels_last(node):
        return _first(_last(node).index_select(3, rows))
    return node.index_select(1, rows)


def _gathered(shape: Sequence[int], parts: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    """Sum of parts, each in its own blocks, in the memory layout of the first part."""
    networks, channels, *size = shape[1:]
    if _channels_last(parts[0]):
        total = parts[0].new_zeros(shape[0], *size, networks, channels)
        for part, some in zip(parts, rows, strict=True):
            total.index_add_(3, some, _last(part))
        return _first(total)
    total = parts[0].new_zeros(tuple(shape))
    for part, some in zip(parts, rows, strict=True):
        total.index_add_(1, some, part)
    return total


def _last(blocks: Tensor) -> Tensor:
    return blocks.permute(0, 3, 4, 1, 2)


def _first(blocks: Tensor) -> Tensor:
    return blocks.permute(0, 3, 4, 1, 2)


def _channels_last(blocks: Tensor) -> bool:
    return _last(blocks).is_contiguous()


@dataclass(frozen=True, slots=True)
class _Passage:
    """Some networks go over an edge by one operation: ``name`` is that of the module, and of the buffer of who."""

    tail: int
    head: int
    name: str
    rectified: bool


class StackedCell(nn.Module):
    """The cells of several networks at one place: an edge is passed once for every operation that somebody has there.

    A node of a network that no edge of it reaches is zero, as in :class:`~archlock.models.cell.Cell`.
    """

    def __init__(self, cells: Sequence[Cell], pieces: list[Piece]) -> None:
        super().__init__()
        self.networks, self.channels_out, self.stride = len(cells), cells[0].channels_out, cells[0].stride
        self.operations = nn.ModuleDict()
        self.passages: list[_Passage] = []
        for tail, head in sorted({edge for cell in cells for edge in cell.edges}):
            alike: dict[str, list[int]] = {}
            for row, cell in enumerate(cells):
                if (tail, head) in cell.edges:
                    alike.setdefault(repr(cell.operations[f"{tail}-{head}"]), []).append(row)
            for rows in alike.values():
                modules = [cells[row].operations[f"{tail}-{head}"] for row in rows]
                passage = _Passage(tail, head, f"{tail}-{head}-{len(self.passages)}", wants_rectified(modules[0]))
                self.passages.append(passage)
                self.operations[passage.name] = stack_modules(modules, pieces)
                self.register_buffer(f"rows-{passage.name}", torch.tensor(rows), persistent=False)

    def forward(self, images: Float[Tensor, "n kc h w"]) -> Float[Tensor, "n kd y x"]:
        """Feature maps of ``channels_out`` channels a network, ``stride`` times smaller (rounded up)."""
        arrived: dict[int, list[tuple[Tensor, Tensor]]] = {head: [] for head in range(1, OUTPUT + 1)}
        for tail in range(OUTPUT):
            node = blocks_of(images, self.networks) if tail == 0 else self._meet(images, arrived[tail])
            leaving = [passage for passage in self.passages if passage.tail == tail]
            rows = [self.get_buffer(f"rows-{passage.name}") for passage in leaving]
            rectified: Tensor | None = None
            for passage, some, part in zip(leaving, rows, self._deal(node, rows), strict=True):
                source = part
                if passage.rectified and self._everybody(some):
                    source = rectified = F.relu(node) if rectified is None else rectified
                elif passage.rectified:
                    source = F.relu(part)
                passed = self.operations[passage.name](source.flatten(1, 2))
                arrived[passage.head].append((some, blocks_of(passed, len(some))))
        return self._meet(images, arrived[OUTPUT]).flatten(1, 2)

    def _deal(self, node: Tensor, rows: Sequence[Tensor]) -> list[Tensor]:
        """The blocks for each passage; the node itself where everybody goes."""
        fewer = [some for some in rows if not self._everybody(some)]
        copies = iter(_Deal.apply(node, *fewer) if fewer else ())  # type: ignore[no-untyped-call]
        return [node if self._everybody(some) else next(copies) for some in rows]

    def _everybody(self, rows: Tensor) -> bool:
        return len(rows) == self.networks

    def _meet(self, images: Tensor, arrived: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """The sum of what arrives at a node."""
        if len(arrived) == 1 and self._everybody(arrived[0][0]):
            return arrived[0][1]
        if arrived:
            rows, parts = zip(*arrived, strict=True)
            met: Tensor = _Meet.apply(self.networks, rows, *parts)  # type: ignore[no-untyped-call]
            return met
        # a product, as in Cell, and of every network's own images: what is not finite stays with its network
        thin = blocks_of(images, self.networks)[:, :, :1, :: self.stride, :: self.stride] * 0
        return thin.expand(-1, -1, self.channels_out, -1, -1)
