"""What architectures cost as networks, for a whole space in a second: sums over parts, and nothing is trained.

A network is a chain of parts. A part costs what is counted on the real module, once for all the networks that have it,
so there is no second description of the networks to be kept in step. A cell is a part that is a sum itself: of the
operations on its live edges. A network of a space without a chain here is built and counted, in hundredths of a second
each.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from archlock.models.builders import build
from archlock.models.cell import Cell
from archlock.models.chain import Chain, Part
from archlock.models.cost import count_all_flops, count_flops, count_parameters
from archlock.models.footprint import Step, moved_bytes, peak_bytes, steps_of
from archlock.models.locking_macro import locking_macro_chain
from archlock.models.mobilenet_macro import mobilenet_macro_chain
from archlock.models.network import DenseDecoder, Network, Normalise, head_for
from archlock.models.one_row import as_built_for
from archlock.models.operations import operation, wants_rectified
from archlock.models.sizes import sizes_chain
from archlock.models.transnas101_macro import transnas101_macro_chain
from archlock.spaces import EDGES, SPACES, Architecture, CellSpace, Edge
from archlock.tasks import Form, Signature

FLOAT_BYTES: Final = 4
FLOPS_A_MAC: Final = 2
"""A multiply-add is two floating-point operations. A limit names MACs; FLOPs are shown beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What architectures cost as released networks: pruned, with head and normalisation, for one image."""

    parameters: Int64[np.ndarray, " architectures"]
    macs: Int64[np.ndarray, " architectures"]
    """Multiply-adds of convolutions and linear layers; FLOPs are twice that."""
    weights_bytes: Int64[np.ndarray, " architectures"]
    """Of all tensors in the file of weights, statistics of normalisations too, but not the names in its header."""
    peak_bytes: Int64[np.ndarray, " known"]
    """Most bytes of feature maps at once (see :mod:`archlock.models.footprint`); empty where nobody asked."""
    moved_bytes: Int64[np.ndarray, " known"]
    """Of all that operators read and write, weights left out; empty where nobody asked."""

    @property
    def intensity(self) -> Float[np.ndarray, " architectures"]:
        """FLOPs for each byte of weights, and of what operators read and write (the roofline's)."""
        return np.asarray(FLOPS_A_MAC * self.macs / (self.weights_bytes + self.moved_bytes))

    def at(self, rows: Int64[np.ndarray, " rows"] | Bool[np.ndarray, " architectures"]) -> "Costs":
        """Of some of them."""
        return Costs(
            self.parameters[rows],
            self.macs[rows],
            self.weights_bytes[rows],
            *(values[rows] if len(values) else values for values in (self.peak_bytes, self.moved_bytes)),
        )


def costs_of(
    architectures: Sequence[Architecture], signature: Signature, *, width: int, depth: int, memory: bool = True
) -> Costs:
    """Costs of architectures of one space, in their order; of no architecture at all, of none.

    What is dead in them costs nothing. The same function may have more skips and poolings than its cheapest form
    (``space.simplify``) has, hence another memory, never other parameters or MACs. Without ``memory`` nothing is said
    of bytes at once and bytes moved, which takes most of the time: these two are empty.
    """
    rows = _rows_of(tuple(architectures), signature, width, depth, memory)
    return Costs(*rows.T[:3], *(rows.T[3:] if memory else rows.T[3:, :0]))


def costs_of_module(module: nn.Module, shape: tuple[int, int, int]) -> Costs:
    """Costs of one module, counted on one image of zeros of that shape; every matrix product counts, attention too."""
    counts = _counted(module, shape)
    counts[1] = count_all_flops(module, shape) // FLOPS_A_MAC
    return Costs(*counts[:, None])


Counts = Int64[np.ndarray, " 5"]
"""Parameters, MACs, bytes of weights, most bytes of feature maps at once, bytes moved."""
Shape = tuple[int, int, int]
CHAINS: Final[Mapping[str, Callable[..., Chain]]] = {
    "transnas101_macro": transnas101_macro_chain,
    "mobilenet_macro": mobilenet_macro_chain,
    "sizes": sizes_chain,
    "locking_macro": locking_macro_chain,
}
"""Of spaces whose networks are parts in a row: from an architecture, a signature, width and depth to the parts."""


@lru_cache(maxsize=8)
def _rows_of(
    architectures: tuple[Architecture, ...], signature: Signature, width: int, depth: int, memory: bool
) -> Int64[np.ndarray, "architectures 5"]:
    if not architectures:
        return np.zeros((0, 5), dtype=np.int64)
    space = SPACES[architectures[0].space]
    if isinstance(space, CellSpace):
        return _of_cells(space, architectures, signature, width, depth, memory)
    if space.name in CHAINS:
        return np.stack(_of_chains(architectures, signature, width, depth, memory))
    return np.stack([_counted(_network(one, signature, width, depth), signature.shape) for one in architectures])


def _network(architecture: Architecture, signature: Signature, width: int, depth: int) -> Network:
    return build(architecture, signature, width=width, depth=depth, seed=0)


def _counted(module: nn.Module, shape: Shape, *, memory: bool = True) -> Counts:
    steps = steps_of(module, shape) if memory else ()
    stored = sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
    macs = count_flops(module, shape) // FLOPS_A_MAC
    needed = (peak_bytes(steps), moved_bytes(steps)) if memory else (0, 0)
    return np.array([count_parameters(module), macs, stored, *needed], dtype=np.int64)


def _in_a_row(parts: Sequence[Counts]) -> Counts:
    """Of parts one after the other: all adds up but the memory, of which the neediest part decides."""
    stacked = np.stack(parts)
    total = stacked.sum(axis=0)
    total[3] = stacked[:, 3].max()
    return np.asarray(total)


class _End(nn.Module):
    """What follows the cells: tail, pooling, head."""

    def __init__(self, tail: nn.Module, head: nn.Linear | DenseDecoder) -> None:
        super().__init__()
        self.tail, self.head = tail, head

    def forward(self, maps: Tensor) -> Tensor:
        """As in :class:`Network`."""
        maps = self.tail(maps)
        result: Tensor = self.head(maps if isinstance(self.head, DenseDecoder) else maps.mean((2, 3)))
        return result


def _of_cells(
    space: CellSpace,
    architectures: tuple[Architecture, ...],
    signature: Signature,
    width: int,
    depth: int,
    with_memory: bool,
) -> Int64[np.ndarray, "architectures 5"]:
    empty = _network(space.architecture("000000"), signature, width, depth)
    places, skeleton = _places(empty, signature.shape, with_memory)
    live = space.choices(architectures).values.reshape(len(architectures), -1, len(space.operations)).argmax(axis=2)
    different, which = np.unique(live, axis=0, return_inverse=True)
    sums = np.zeros((len(different), 3), dtype=np.int64) + skeleton[:3]
    memory = np.zeros((len(different), 2), dtype=np.int64) + skeleton[3:]
    codes = ["".join(map(str, row)) for row in different.tolist() if with_memory]
    edges = [space.edges(space.architecture(code)) for code in codes]
    inside: dict[_Place, Int64[np.ndarray, "cells 2"]] = {}
    for place, times in places.items():
        for number, (tail, _) in enumerate(EDGES):
            parts = [_part_at(name, tail, place, memory=with_memory).counts for name in space.operations]
            sums += times * np.array(parts)[different[:, number]]
        if not with_memory:
            continue
        unit = place.unit
        if unit not in inside:
            inside[unit] = np.array([_inside(one, unit) for one in edges], dtype=np.int64)
        bytes_here = inside[unit] * (_bytes_of(place.inside) // _bytes_of(unit.inside))
        memory = np.stack([np.maximum(memory[:, 0], bytes_here[:, 0]), memory[:, 1] + times * bytes_here[:, 1]], axis=1)
    return np.concatenate([sums, memory], axis=1)[which.reshape(-1)]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a cell stands in a network, and the size of the maps that reach it."""

    channels_in: int
    channels_out: int
    stride: int
    height: int
    width: int
    form: Form

    @property
    def arriving(self) -> Shape:
        """Of what the cell reads."""
        return self.channels_in, self.height, self.width

    @property
    def inside(self) -> Shape:
        """Of its other nodes."""
        return self.channels_out, -(-self.height // self.stride), -(-self.width // self.stride)

    @property
    def unit(self) -> "_Place":
        """The smallest place of its kind: where a cell changes no size, all its maps are as large as each other."""
        changes_nothing = self.channels_in == self.channels_out and self.stride == 1
        return _Place(1, 1, 1, 1, 1, self.form) if changes_nothing else self


def _places(network: Network, shape: Shape, memory: bool) -> tuple[Mapping[_Place, int], Counts]:
    """Where the cells of a network stand, each place with how many there are, and what all the rest of it costs."""
    reached: dict[nn.Module, Shape] = {}

    def note(module: nn.Module, inputs: tuple[Tensor], _: object) -> None:
        _, channels, height, width = inputs[0].shape
        reached[module] = channels, height, width

    first, end = nn.Sequential(network.normalise, network.stem), _End(network.tail, network.head)
    between = list(network.cells.children())
    handles = [part.register_forward_hook(note) for part in (*between, network.tail)]
    count_flops(network, shape)
    for handle in handles:
        handle.remove()
    cells = [part for part in between if isinstance(part, Cell)]
    form = network.signature.form
    places = Counter(_Place(c.channels_in, c.channels_out, c.stride, *reached[c][1:], form) for c in cells)
    rest = [(first, shape), *((part, reached[part]) for part in between if not isinstance(part, Cell))]
    rest.append((end, reached[network.tail]))
    return places, _in_a_row([_counted(part, size, memory=memory) for part, size in rest])


def _inside(edges: Sequence[Edge], place: _Place) -> list[int]:
    """Most bytes at once and bytes moved in a cell of these live edges; its steps are those of ``Cell.forward``."""
    steps, nodes, rectified = [Step(_bytes_of(place.arriving))], {0: 0}, dict[int, int]()
    for edge in sorted(edges, key=lambda one: (one.head, one.tail)):
        part, shape = _part_at(edge.operation, edge.tail, place), place.arriving if edge.tail == 0 else place.inside
        source = nodes[edge.tail]
        if part.wants_rectified:
            if edge.tail not in rectified:
                steps.append(Step(_bytes_of(shape), (source,), elementwise=True))
                rectified[edge.tail] = len(steps) - 1
            source = rectified[edge.tail]
        before = len(steps) - 1
        for step in part.steps[1:]:
            reads = tuple(source if read == 0 else before + read for read in step.reads)
            steps.append(Step(step.size, reads, step.elementwise))
        arrives = len(steps) - 1 if part.steps[1:] else source
        if edge.head in nodes:
            reads = tuple(dict.fromkeys((nodes[edge.head], arrives)))
            steps.append(Step(_bytes_of(place.inside), reads, elementwise=True))
            arrives = len(steps) - 1
        nodes[edge.head] = arrives
    return [peak_bytes(steps), moved_bytes(steps)]


@dataclass(frozen=True, slots=True)
class _Part:
    """What sits on an edge."""

    counts: tuple[int, int, int]
    steps: tuple[Step, ...]
    wants_rectified: bool


def _part_at(name: str, tail: int, place: _Place, *, memory: bool = True) -> _Part:
    """What an operation costs on an edge that leaves that node; none costs nothing."""
    if name == "none":
        return _Part((0, 0, 0), (), wants_rectified=False)
    shape, stride = (place.arriving, place.stride) if tail == 0 else (place.inside, 1)
    return _part(name, shape, place.channels_out, stride, memory, place.form)


@cache
def _part(name: str, shape: Shape, channels_out: int, stride: int, memory: bool, form: Form) -> _Part:
    module = as_built_for(form, operation(name, shape[0], channels_out, stride))
    parameters, macs, stored, _, _ = _counted(module, shape, memory=False).tolist()
    return _Part((parameters, macs, stored), steps_of(module, shape) if memory else (), wants_rectified(module))


def _bytes_of(shape: Shape) -> int:
    return FLOAT_BYTES * shape[0] * shape[1] * shape[2]


def _of_chains(
    architectures: tuple[Architecture, ...], signature: Signature, width: int, depth: int, memory: bool
) -> list[Counts]:
    """Of parts in a row; equal parts on maps of one size are counted once.

    The last cell is counted with what follows: a normalisation there may be folded into its last convolution.
    """

    def built(part: Part) -> nn.Module:
        return as_built_for(signature.form, part.built())

    @cache
    def begun(stem: Part) -> tuple[Counts, Shape]:
        first = nn.Sequential(Normalise(signature.mean, signature.std), built(stem))
        return _walked(first, signature.shape, memory)

    @cache
    def passed(part: Part, shape: Shape) -> tuple[Counts, Shape]:
        return _walked(built(part), shape, memory)

    @cache
    def ended(last: Part, tail: Part, features: int, stride: int, shape: Shape) -> Counts:
        end = _End(nn.Sequential(built(last), built(tail)), head_for(signature, features, stride))
        return _counted(end, shape, memory=memory)

    found = []
    for architecture in architectures:
        chain = CHAINS[architecture.space](architecture, signature, width=width, depth=depth)
        counts, shape = begun(chain.stem)
        parts = [counts]
        for part in chain.cells[:-1]:
            counts, shape = passed(part, shape)
            parts.append(counts)
        found.append(_in_a_row([*parts, ended(chain.cells[-1], chain.tail, chain.features, chain.stride, shape)]))
    return found


def _walked(module: nn.Module, shape: Shape, memory: bool) -> tuple[Counts, Shape]:
    """What a part costs, and the shape of what it says."""
    with torch.no_grad():
        _, channels, height, width = module.eval()(torch.zeros(1, *shape)).shape
    return _counted(module, shape, memory=memory), (channels, height, width)
