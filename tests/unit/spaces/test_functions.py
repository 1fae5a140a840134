"""The normal form, rule by rule; then all its verdicts against numbers that know nothing of it."""

from itertools import permutations

import numpy as np
import pytest

from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.spaces.cell import EDGES, without_dead_edges
from archlock.spaces.functions import normal_form
from archlock.spaces.nasbench201 import KINDS, nasbench201
from archlock.spaces.transnas101_micro import transnas101_micro


def form(code: str) -> str:
    return normal_form([KINDS[int(digit)] for digit in code])


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("000300", "100030", "a skip is looked through"),
        ("320012", "230021", "nodes 1 and 2 have no names where no edge joins them"),
        ("300100", "030100", "nor where only one of them is there; both are dead, besides"),
        ("300440", "311004", "pool(x) + pool(conv(x)) = pool(x + conv(x))"),
        ("101010", "110010", "an edge that leads nowhere does not matter"),
        ("003103", "000100", "a convolution of zero is zero"),
        ("004004", "000000", "so is its pooling"),
        ("300310", "100330", "the order of summands does not matter"),
    ],
)
def test_the_same_function(one: str, other: str, why: str) -> None:
    assert form(one) == form(other), why


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("330011", "301011", "two convolutions are not one, used twice"),
        ("330022", "301022", "nor inside of other convolutions"),
        ("000200", "000300", "windows of 1 x 1 and 3 x 3"),
        ("100010", "110011", "a sum of two is twice as large, and batch normalisation has not seen it"),
        ("110033", "000300", "two convolutions of the input are not one"),
        ("300040", "000430", "a convolution and a pooling do not change places"),
        ("303043", "300034", "one pooled convolution read by another is not two from the input"),
    ],
)
def test_not_the_same_function(one: str, other: str, why: str) -> None:
    assert form(one) != form(other), why


def test_it_can_be_read() -> None:
    assert form("344010") == "conv3x3(x)"  # node 2 leads nowhere
    assert form("300040") == "pool(conv3x3(x))"
    assert form("311411") == "2 conv3x3(x) + pool(x) + x"
    assert form("301023") == "conv1x1(conv3x3#0(x)) + conv3x3(conv3x3#0(x))"


def test_distinct_functions_of_nasbench201() -> None:
    """The figures of docs/method.md."""
    functions: dict[str, set[str]] = {}
    classes: dict[str, set[str]] = {}
    for architecture in nasbench201.enumerate():
        cheapest, official = nasbench201.simplify(architecture).code, nasbench201.canonicalise(architecture).code
        functions.setdefault(cheapest, set()).add(official)
        classes.setdefault(official, set()).add(cheapest)
    assert (len(functions), len(classes)) == (5_044, 6_466)
    assert sum(len(merged) > 1 for merged in classes.values()) == 430
    assert sum(len(split) > 1 for split in functions.values()) == 792


def test_distinct_functions_of_transnas101_micro() -> None:
    assert len({transnas101_micro.simplify(a) for a in transnas101_micro.enumerate()}) == 1_376
    # in a cell that widens, a skip out of the input has weights, so this is looked through only past the input
    assert transnas101_micro.simplify(transnas101_micro.parse("300010")).code == "000300"
    assert transnas101_micro.simplify(transnas101_micro.parse("100030")).code == "010003"


@pytest.mark.parametrize("name", ["nasbench201", "transnas101_micro"])
def test_dead_edges_change_no_function_and_the_cheapest_has_none(name: str) -> None:
    space = SPACES[name]
    everything = list(space.enumerate())
    pruned = ["".join(map(str, row)) for row in without_dead_edges(space.digits(everything))]
    for architecture, code in zip(everything, pruned, strict=True):
        cheapest = space.simplify(architecture)
        assert cheapest == space.simplify(space.architecture(code))
        assert all(edge.alive for edge in space.edges(cheapest))


def test_the_cheapest_pools_least_then_sums_least_then_has_the_smallest_code() -> None:
    assert nasbench201.simplify(nasbench201.parse("300440")).code == "113004"  # one pooling and not two
    assert nasbench201.simplify(nasbench201.parse("330011")).code == "010303"  # three edges and not four
    assert nasbench201.simplify(nasbench201.parse("300010")).code == "000300"


def test_the_verdicts_equal_those_of_brute_force() -> None:
    """Numbers for random weights, averaged over all 720 ways to give six weights to six edges.

    Cells that are the same function have equal averages whatever their edges are called; others do not. Half of the
    cells are drawn at random, the others from the hard cases: same official class, or same function.
    """
    space, rng = nasbench201, rng_for(0, "cells")
    everything = list(space.enumerate())
    chosen = {everything[i] for i in rng.choice(len(everything), 300, replace=False)}
    drawn = {space.simplify(a) for a in sorted(chosen)[::3]}, {space.canonicalise(a) for a in sorted(chosen)[::3]}
    mates = [a for a in everything if space.simplify(a) in drawn[0] or space.canonicalise(a) in drawn[1]]
    cells = sorted(chosen | {mates[i] for i in rng.choice(len(mates), 300, replace=False)})
    numbers = averages(space.digits(cells))
    functions = np.unique([space.simplify(a).code for a in cells], return_inverse=True)[1]
    distance = np.abs(numbers[:, None] - numbers[None]).max(axis=2)
    same = functions[:, None] == functions[None]
    assert same.sum() > 2 * len(cells)
    assert distance[same].max() < 1e-12
    assert distance[~same].min() > 1e-7


def averages(digits: np.ndarray) -> np.ndarray:
    """Three means of nonlinear functions of the output of each cell, over all assignments of weights to edges.

    Images are rows of five pixels; a convolution is any matrix between a rectifier and a normalisation.
    """
    rng = rng_for(0, "weights")
    window = np.array([[float(abs(i - j) <= 1) for j in range(5)] for i in range(5)])
    pool = window / window.sum(axis=1, keepdims=True)
    weights = {digit: rng.normal(size=(6, 5, 5)) for digit in (2, 3)}
    images, read = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))

    def normalised(maps: np.ndarray) -> np.ndarray:
        centred = maps - maps.mean(axis=(1, 2), keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=(1, 2), keepdims=True) + 1e-3)

    total = np.zeros((len(digits), 3))
    for assigned in permutations(range(6)):
        nodes = [np.tile(images, (len(digits), 1, 1)), *np.zeros((3, len(digits), 3, 5))]
        for edge, (tail, head) in enumerate(EDGES):
            for digit in (1, 2, 3, 4):
                rows = np.flatnonzero(digits[:, edge] == digit)
                maps = nodes[tail][rows]
                if digit in weights:
                    maps = normalised(np.maximum(maps, 0) @ weights[digit][assigned[edge]])
                nodes[head][rows] += maps @ pool if digit == 4 else maps
        output = nodes[3]
        for column, value in enumerate(
            (output**2 * read, np.cos(output * read), (output @ pool) * output * read[::-1])
        ):
            total[:, column] += value.mean(axis=(1, 2))
    return total / 720
