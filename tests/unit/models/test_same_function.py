"""``Space.simplify`` is about the models made here: it must be right of them, cell by cell and as whole networks."""

from itertools import permutations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archlock.models import build, count_flops, count_parameters
from archlock.models.cell import Cell
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture, cell_edges
from archlock.tasks import Signature

SIGNATURE = Signature("classification", (3, 12, 12), 5, (0.5,) * 3, (0.25,) * 3)
SIZES = {"nasbench201": [(2, 1)], "transnas101_micro": [(2, 1), (4, 2)]}
"""Channels and stride of the kinds of cell a network of the space has, from 2 channels on."""


def cell_of(architecture: Architecture, channels: int = 2, stride: int = 1) -> Cell:
    torch.manual_seed(0)
    return Cell([edge for edge in cell_edges(architecture) if edge.alive], 2, channels, stride).double()


def weighted(cell: Cell) -> dict[str, nn.Module]:
    return {name: module for name, module in cell.operations.items() if list(module.parameters())}


def kind(module: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, parameter.shape) for name, parameter in module.named_parameters()]


@torch.no_grad()
def distance(one: Cell, other: Cell, images: Tensor) -> float:
    """Largest difference of the outputs for the best assignment of the one's modules to edges of the other.

    The other cell keeps that assignment. Cells with different modules are infinitely far apart.
    """
    names, expected = list(weighted(other)), one(images)
    kinds = [kind(module) for module in weighted(other).values()]
    found: list[tuple[float, tuple[nn.Module, ...]]] = []
    for modules in permutations(weighted(one).values()):
        if [kind(module) for module in modules] == kinds:
            other.operations.update(zip(names, modules, strict=True))
            found.append((float((other(images) - expected).abs().max()), modules))
    if not found:
        return np.inf
    nearest, modules = min(found, key=lambda pair: pair[0])
    other.operations.update(zip(names, modules, strict=True))
    return nearest


def cheap(space: str) -> list[Architecture]:
    """Cells with at most three weights that are alive: few enough assignments."""
    return [
        a
        for a in SPACES[space].enumerate()
        if sum(e.alive and "pool" not in e.operation and (e.tail == 0 or "conv" in e.operation) for e in cell_edges(a))
        <= 3
    ]


@pytest.mark.parametrize("space", SIZES)
def test_the_same_function_gives_equal_outputs_for_some_assignment_of_weights(space: str) -> None:
    rng = rng_for(0, "pairs")
    simplify = SPACES[space].simplify
    other_form = [a for a in cheap(space) if simplify(a) != a and SPACES[space].canonicalise(a) == a]
    pairs = [
        (one, simplify(one)) for one in map(other_form.__getitem__, rng.choice(len(other_form), 30, replace=False))
    ]
    if space == "nasbench201":  # pool(x) + pool(conv(x)), and a convolution that is read twice
        pairs += [(SPACES[space].parse(code), simplify(SPACES[space].parse(code))) for code in ("300440", "344021")]
    images = torch.randn(3, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for one, other in pairs:
        for sizes in SIZES[space]:
            for training in (True, False):
                cells = [cell_of(architecture, *sizes).train(training) for architecture in (one, other)]
                assert distance(*cells, images) < 1e-10, (one, other, sizes)


@pytest.mark.parametrize("space", SIZES)
def test_different_functions_give_equal_outputs_for_no_assignment_of_weights(space: str) -> None:
    """Among cells with as many convolutions of each kind, where costs tell nothing."""
    rng = rng_for(0, "pairs")
    alike: dict[tuple[str, ...], list[Architecture]] = {}
    for a in cheap(space):
        if SPACES[space].simplify(a) == a:
            operations = sorted(edge.operation for edge in cell_edges(a) if "conv" in edge.operation)
            alike.setdefault(tuple(operations), []).append(a)
    groups = [group for group in alike.values() if len(group) > 1]
    images = torch.randn(3, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for _ in range(30):
        group = groups[int(rng.integers(len(groups)))]
        one, other = (group[i] for i in rng.choice(len(group), 2, replace=False))
        apart = [distance(cell_of(one, *sizes), cell_of(other, *sizes), images) for sizes in SIZES[space]]
        assert max(apart) > 1e-5, (one, other)


def test_what_the_official_string_of_nasbench201_merges_differs() -> None:
    space = SPACES["nasbench201"]
    images = torch.randn(3, 2, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    merged = [a for a in cheap("nasbench201") if space.simplify(a) != space.simplify(space.canonicalise(a))]
    for one in merged[:: len(merged) // 15]:
        assert distance(cell_of(one), cell_of(space.canonicalise(one)), images) > 1e-5, one


@pytest.mark.parametrize(("space", "one", "other"), [
    ("nasbench201", "300440", "311004"),
    ("nasbench201", "344021", "311024"),
    ("transnas101_micro", "302310", "032301"),
])  # fmt: skip
def test_whole_networks_agree(space: str, one: str, other: str) -> None:
    assert SPACES[space].simplify(Architecture(space, one)) == SPACES[space].simplify(Architecture(space, other))
    first, second = (build(Architecture(space, c), SIGNATURE, width=2, depth=2, seed=0).double() for c in (one, other))
    images = torch.rand(4, 3, 12, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    first.stem, first.tail, first.head = second.stem, second.tail, second.head
    blocks = [(a, b) for a, b in zip(first.cells, second.cells, strict=True)]
    for place, (ours, theirs) in enumerate(blocks):
        if isinstance(ours, Cell) and isinstance(theirs, Cell):
            channels = next(p for p in ours.parameters() if p.ndim == 4).shape[1]
            assert distance(ours, theirs, torch.randn(3, channels, 6, 6, dtype=torch.float64)) < 1e-10
        else:
            first.cells[place] = theirs
    assert float((first(images) - second(images)).abs().max().detach()) < 1e-10


def test_one_function_costs_the_same_and_functions_cost_less_than_half_of_all_cells() -> None:
    """Multiply-adds of the published setting, by live edges; the counter of the models agrees on a sample."""
    space, rng = SPACES["nasbench201"], rng_for(0, "costs")
    signature = Signature("classification", (3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3)

    def counted(architecture: Architecture) -> int:
        return count_flops(build(architecture, signature, seed=0), (3, 32, 32)) // 2

    empty, small, large = (counted(Architecture("nasbench201", code)) for code in ("000000", "000200", "000300"))

    def multiply_adds(architecture: Architecture) -> int:
        operations = [edge.operation for edge in cell_edges(architecture) if edge.alive]
        one, three = operations.count("nor_conv_1x1"), operations.count("nor_conv_3x3")
        return empty + one * (small - empty) + three * (large - empty)

    everything = list(space.enumerate())
    for architecture in (space.sample(rng) for _ in range(4)):
        cheapest = space.simplify(architecture)
        assert counted(architecture) == counted(cheapest) == multiply_adds(architecture)
        models = [build(a, SIGNATURE, width=2, depth=1, seed=0) for a in (architecture, cheapest)]
        assert count_parameters(models[0]) == count_parameters(models[1])
    costs = {a: multiply_adds(a) for a in everything}
    assert all(costs[space.simplify(a)] == cost for a, cost in costs.items())
    functions = {space.simplify(a) for a in everything}
    assert round(sum(costs.values()) / 1e9, 1) == 747.8
    assert round(sum(costs[a] for a in functions) / 1e9, 1) == 344.3
