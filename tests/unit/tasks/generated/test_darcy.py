"""Darcy flow: the discrete equation against an independent solver, known values, and the task."""

import re

import numpy as np
import pytest
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from archlock.errors import ConfigurationError
from archlock.tasks import RECIPES, check_task, open_task
from archlock.tasks.generated.darcy_flow import DENSE, LOOSE, coefficients, pressure
from archlock.tasks.sources.source_texts import SourceText

SMALL = "darcy:9?train=6&validation=2&test=3"


def solved(ground: np.ndarray) -> np.ndarray:
    """The five-point scheme, assembled node by node and solved by a sparse LU factorisation."""
    side = len(ground)
    nodes = {(row, column): at for at, (row, column) in enumerate(np.ndindex(side, side))}
    matrix, right = lil_matrix((side * side, side * side)), np.zeros(side * side)
    for (row, column), at in nodes.items():
        if row in (0, side - 1) or column in (0, side - 1):
            matrix[at, at] = 1.0
            continue
        right[at] = 1.0
        for other in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            between = (ground[row, column] + ground[other]) / 2 * (side - 1) ** 2
            matrix[at, at] += between
            matrix[at, nodes[other]] -= between
    return spsolve(matrix.tocsc(), right).reshape(side, side)


@pytest.mark.parametrize("side", [4, 8, 17])
def test_pressures_are_those_of_an_independent_solver(side: int) -> None:
    ground = np.random.default_rng(side).uniform(1.0, 20.0, (side, side))
    assert np.allclose(pressure(ground), solved(ground), rtol=1e-10, atol=1e-12)


def test_the_equation_holds_at_every_node() -> None:
    ground = coefficients(43, np.random.default_rng(0))
    found = pressure(ground)
    down = (ground[1:] + ground[:-1]) / 2 * np.diff(found, axis=0) * 42
    across = (ground[:, 1:] + ground[:, :-1]) / 2 * np.diff(found, axis=1) * 42
    left = -(np.diff(down, axis=0)[:, 1:-1] + np.diff(across, axis=1)[1:-1]) * 42
    assert np.abs(left - 1).max() < 1e-8
    assert not found[[0, -1]].any()
    assert not found[:, [0, -1]].any()


def test_an_even_ground_has_the_known_pressure() -> None:
    """Of -laplace u = 1 the highest value is 0.0736713 (its series)."""
    assert pressure(np.ones((43, 43))).max() == pytest.approx(0.0736713, abs=4e-5)
    assert pressure(np.full((43, 43), 4.0)) == pytest.approx(pressure(np.ones((43, 43))) / 4)


def test_the_ground_has_two_materials_in_equal_parts_and_patches() -> None:
    grounds = np.array([coefficients(33, np.random.default_rng(seed)) for seed in range(200)])
    assert set(np.unique(grounds)) == {DENSE, LOOSE} == {3.0, 12.0}
    assert (grounds == LOOSE).mean() == pytest.approx(0.5, abs=0.03)
    assert (grounds[:, 1:] == grounds[:, :-1]).mean() > 0.9  # neighbours are alike


def test_the_field_below_has_the_covariance_it_should() -> None:
    """E of a product at two nodes, by the sum over cosines, is what the signs agree by (arcsine law)."""
    side, pairs = 9, ((4, 4), (4, 6))
    squares = np.square(np.pi * np.arange(side))
    weight = np.square(side * 3.0 / (squares[:, None] + squares + 9.0))
    weight[0, 0] = 0
    norms = np.where(np.arange(side) == 0, 1 / side, 2 / side)

    def covariance(one: tuple[int, int], other: tuple[int, int]) -> float:
        waves = [
            norms
            * np.cos(np.pi * np.arange(side) * (a + 0.5) / side)
            * np.cos(np.pi * np.arange(side) * (b + 0.5) / side)
            for a, b in zip(one, other, strict=True)
        ]
        return float(waves[0] @ weight @ waves[1])

    alike = covariance(*pairs) / np.sqrt(covariance(pairs[0], pairs[0]) * covariance(pairs[1], pairs[1]))
    rng = np.random.default_rng(0)
    grounds = np.array([coefficients(side, rng) for _ in range(4000)])
    share = (grounds[:, 4, 4] == grounds[:, 4, 6]).mean()
    assert share == pytest.approx(0.5 + np.arcsin(alike) / np.pi, abs=0.02)


def test_the_task_has_permeability_places_and_scaled_pressures() -> None:
    task = open_task(SMALL, seed=3)
    assert (task.name, task.kind, task.shape, task.outputs, task.measured) == ("darcy-9", "field", (3, 9, 9), 1, False)
    assert (len(task.train), len(task.validation), len(task.test)) == (6, 2, 3)
    assert set(np.unique(task.train.images[..., 0])) == {0, 255}
    assert task.train.images[0, 8, 2, 1:].tolist() == [255, 64]
    assert np.square(task.train.targets).mean() == pytest.approx(1.0, abs=1e-5)
    for split in (task.train, task.test):
        made = np.array([pressure(np.where(one == 255, LOOSE, DENSE)) for one in split.images[..., 0]])
        ratio = split.targets[..., 0].sum() / made.sum()
        assert np.allclose(split.targets[..., 0], made * ratio, atol=1e-5)
    assert "Darcy flow, generated (6 train, 2 validation, 3 test fields of 9 x 9, seed 3" in task.origin


def test_the_seed_decides_and_smaller_tasks_are_parts_of_larger_ones() -> None:
    task, again, other = (open_task(SMALL, seed=seed) for seed in (3, 3, 4))
    assert task.fingerprint == again.fingerprint != other.fingerprint
    fewer = open_task("darcy:9?train=4&validation=2&test=3", seed=3)
    everything = {ground.tobytes() for ground in task.train.images}
    assert {ground.tobytes() for ground in fewer.train.images} < everything
    assert np.array_equal(np.sort(fewer.test.images, axis=0), np.sort(task.test.images, axis=0))


def test_what_is_done_is_told() -> None:
    steps = []
    open_task(SMALL, progress=lambda *step: steps.append(step))
    assert steps == [(done, 11) for done in range(1, 12)]


def test_a_field_of_the_size_that_is_needed_is_told_to_be_made() -> None:
    with pytest.raises(Exception, match=r"fields of 9 x 9 numbers, and images of 12 x 12 are needed; .*make the data"):
        open_task(SMALL, image_size=12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("darcy:7", "a side of '7' is not possible; expected a whole number from 8 to 421"),
        ("darcy:", "a side of '' is not possible; expected a whole number from 8 to 421"),
        ("darcy:43.5", "a side of '43.5' is not possible"),
        ("darcy:-9", "a side of '-9' is not possible"),
        ("darcy:43?train=0", "train= '0' is not possible; expected a whole number from 1 to 100,000"),
        ("darcy:421?train=9000", "9,200 fields of 421 x 421 take 11 GiB, more than the 8 GiB that are accepted"),
        ("darcy:43?fields=9", "darcy:43 has no option 'fields'; expected train (how many fields (default 900)), "),
        ("darcie:43", "no such file, and no name that is known (did you mean 'darcy:43'?)"),
        ("darcy", "no such file, and no name that is known (did you mean 'darcy:43'?)"),
    ],
)
def test_what_cannot_be_made_is_said(text: str, words: str) -> None:
    for ask in (open_task, check_task):
        with pytest.raises(ConfigurationError, match=re.escape(words)):
            ask(text)


def test_names() -> None:
    assert SourceText.parsed("darcy:43?train=400").name == "darcy-43"
    assert SourceText.parsed("darcy:43?name=flow").name == "flow"
    assert open_task("darcy:8?train=1&validation=1&test=1&name=flow").name == "flow"
    assert all(recipe.name == name for name, recipe in RECIPES.items())
    assert all(SourceText.parsed(recipe.example).recipe is recipe for recipe in RECIPES.values())
