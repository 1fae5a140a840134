"""What is possible on a table of five architectures and three tasks, worked out by hand."""

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.recipes.evaluate.scales import chosen_pairs, limits, pair_scales, standings
from archlock.spaces import SPACES
from archlock.tables import Provenance, RecordedColumn, Table

STANDING = {"s": [100, 75, 50, 25, 0], "a": [0, 100, 50, 25, 75], "b": [50, 75, 25, 0, 100]}
"""Percentiles; with a floor of 50 the first three architectures keep the source s."""


def by_hand() -> Table:
    codes = tuple(one.code for one, _ in zip(SPACES["nasbench201"].enumerate(), range(5), strict=False))
    columns = tuple(
        RecordedColumn(task, task, "truth", "accuracy", "test", 200, "final", "one run", "%") for task in STANDING
    )
    values = np.array(list(STANDING.values()), dtype=float) / 2 + 10
    return Table("by_hand", "nasbench201", codes, columns, values, Provenance("test", ()))


def test_percentiles_are_those_that_the_table_was_made_from() -> None:
    assert {task: list(values) for task, values in standings(by_hand(), "s").items()} == STANDING


def test_what_is_possible_leaves_the_source_out_of_the_targets() -> None:
    on_a, on_b = pair_scales(by_hand(), (("s", "a"), ("s", "b")), 0.5)
    assert (on_a.feasible, on_a.random_feasible, on_a.best_source, on_a.tk_floor) == (3, 50, 0, 0)
    assert (on_b.feasible, on_b.random_feasible, on_b.best_source, on_b.tk_floor) == (3, 50, 50, 25)
    # over both targets the first one is lowest (25, 87.5, 37.5); with the source it would be the third one
    assert (on_a.tu_possible, on_b.tu_possible) == (0, 50)


def test_an_architecture_at_the_floor_keeps_it() -> None:
    assert [pair_scales(by_hand(), (("s", "a"),), floor)[0].feasible for floor in (0.5, 0.51, 1.0)] == [3, 2, 1]


def test_limits_are_means_over_the_pairs_at_every_floor() -> None:
    low, high = limits(by_hand(), (("s", "a"), ("s", "b")), (1.0, 0.5))
    assert (low.floor, low.random_feasible, low.tk_floor, low.tu_possible) == (50, 50, 12.5, 25)
    assert (high.floor, high.random_feasible, high.tk_floor, high.tu_possible) == (100, 25, 25, 25)


def test_pairs_are_chosen_by_name() -> None:
    assert len(chosen_pairs(by_hand(), "all")) == 6
    assert chosen_pairs(by_hand(), "s:a, b:s,s:a") == (("s", "a"), ("b", "s"))
    with pytest.raises(ConfigurationError, match=r"got 's:s', and the tasks are s, a, b"):
        chosen_pairs(by_hand(), "s:a,s:s")
