"""What people and surrogates read off architectures: costs, shortest paths, choices and shapes."""

from itertools import islice, pairwise, product

import numpy as np
import pytest

from archlock.models import build, count_flops
from archlock.spaces import SPACES, Architecture, CellSpace
from archlock.spaces.cell import EDGES
from archlock.tasks import Signature


def some(name: str, count: int = 60) -> list[Architecture]:
    everybody = list(SPACES[name].enumerate())
    rng = np.random.default_rng(0)
    return [everybody[row] for row in rng.choice(len(everybody), count, replace=False)]


def fewest_convolutions(space: CellSpace, architecture: Architecture) -> float:
    """By walking over all ways from node 0 to node 3."""
    operations = dict(zip(EDGES, (space.operations[int(digit)] for digit in architecture.code), strict=True))
    best = np.inf
    for middle in product((0, 1), repeat=2):
        nodes = [0, *(node for node, used in zip((1, 2), middle, strict=True) if used), 3]
        taken = [operations[tail, head] for tail, head in pairwise(nodes)]
        if "none" not in taken:
            best = min(best, sum("conv" in name for name in taken))
    return 0.0 if np.isinf(best) else float(best)


@pytest.mark.parametrize("name", ["nasbench201", "transnas101_micro"])
def test_the_shortest_path_is_found_by_walking(name: str) -> None:
    space = SPACES[name]
    assert isinstance(space, CellSpace)
    chosen = some(name)
    expected = [fewest_convolutions(space, one) for one in chosen]
    assert space.shortest_path(chosen).tolist() == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("name", list(SPACES))
def test_the_relative_cost_orders_as_multiply_adds_do(name: str) -> None:
    chosen = [one for one in some(name, 30) if SPACES[name].is_connected(one)]
    signature = Signature("classification", (3, 16, 16), 10, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    flops = [count_flops(build(one, signature, width=16, depth=2, seed=0), (3, 16, 16)) for one in chosen]
    correlation = np.corrcoef(np.argsort(np.argsort(SPACES[name].relative_cost(chosen))), np.argsort(np.argsort(flops)))
    assert correlation[0, 1] > 0.9


@pytest.mark.parametrize("name", list(SPACES))
def test_every_place_has_one_choice_and_every_trait_a_name(name: str) -> None:
    space, chosen = SPACES[name], some(name)
    choices, shape = space.choices(chosen), space.shape(chosen)
    assert choices.values.shape == (len(chosen), len(choices.names))
    assert shape.values.shape == (len(chosen), len(shape.names))
    assert len(set(choices.names) | set(shape.names)) == len(choices.names) + len(shape.names)
    places = len(
        {text.rpartition(" on ")[2] if " on " in text else text.rpartition(" at ")[2] for text in choices.names}
    )
    assert (choices.values.sum(axis=1) == places).all()
    assert np.isfinite(shape.values).all()


def test_traits_of_one_cell_by_hand() -> None:
    space = SPACES["transnas101_micro"]
    cell = space.architecture("302013")  # conv3x3 on 0-1, conv1x1 on 1-2, skip on 1-3, conv3x3 on 2-3
    traits = dict(zip(space.shape([cell]).names, space.shape([cell]).values[0].tolist(), strict=True))
    assert traits["number of paths"] == 2
    assert traits["convolutions on the longest path"] == 3
    assert traits["convolutions on the shortest path"] == 1
    assert traits["shortcut without a convolution"] == 0
    assert traits["cost (weights per pair of channels)"] == 19
    choices = space.choices([cell])
    assert choices.values[0, choices.names.index("skip on 1-3")] == 1
    assert choices.values.sum() == len(EDGES)


def test_a_chain_by_hand() -> None:
    space = SPACES["transnas101_macro"]
    (first,) = islice((one for one in space.enumerate() if one.code == "4111"), 1)
    traits = dict(zip(space.shape([first]).names, space.shape([first]).values[0].tolist(), strict=True))
    assert (traits["number of modules"], traits["number of doublings"], traits["number of halvings"]) == (4, 1, 1)
    assert space.relative_cost([first])[0] == 4  # twice the channels, half the resolution: the same cost, four times
