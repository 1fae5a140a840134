"""Scores and what is read of sequences, against brute force and by hand."""

import itertools
import math

import numpy as np
import pytest

from archlock.leaks import (
    Observation,
    Read,
    Reading,
    edit_distance,
    edit_error,
    log_all,
    log_candidates,
    majority,
    motif_of,
    skeleton,
)
from archlock.leaks.features import columns_of, runs_of, whole, windowed


def slow_distance(one: str, other: str) -> int:
    """By the definition."""
    if not one or not other:
        return len(one) + len(other)
    return min(
        slow_distance(one[1:], other) + 1,
        slow_distance(one, other[1:]) + 1,
        slow_distance(one[1:], other[1:]) + (one[0] != other[0]),
    )


def test_the_edit_distance_is_that_of_the_definition() -> None:
    words = ["".join(letters) for length in range(4) for letters in itertools.product("ab", repeat=length)]
    for one, other in itertools.product([*words, "abcab", "bca"], repeat=2):
        assert edit_distance(one, other) == slow_distance(one, other)
    assert edit_distance("kitten", "sitting") == 3


def test_the_edit_error_is_over_the_true_length_and_may_pass_one() -> None:
    assert edit_error("ab", "abcd") == 0.5
    assert edit_error("abcdef", "ab") == 2.0
    assert edit_error("", "") == 0.0
    assert edit_error("a", "") == 1.0


def test_the_skeleton_leaves_out_what_folding_and_decoys_change() -> None:
    assert skeleton(("scale", "conv3", "norm", "activation", "copy", "add", "other")) == ("conv3", "activation", "add")


def test_the_majority_is_the_most_frequent_and_of_equals_the_first_by_name() -> None:
    assert majority(["aab", "bc", "c"]) == "a"


@pytest.mark.parametrize(
    ("sequence", "block", "times"),
    [
        ("xabcabcabcy", "abc", 3),
        ("abababab", "ab", 4),  # and not abab
        ("abcd", "", 0),
        ("cncncaxcncnca", "cn", 4),
        ("aaaa", "", 0),  # one operator is no block
    ],
)
def test_the_motif_is_the_block_that_covers_most(sequence: str, block: str, times: int) -> None:
    found = motif_of(sequence)
    assert "".join(found.kinds) == block
    assert found.times == times
    assert found.share == pytest.approx(len(block) * times / len(sequence))


def test_candidates_are_the_product_of_what_is_open() -> None:
    rows = (
        Read(("conv3",), 3, 1, 2),
        Read(("norm",)),
        Read(("grouped", "add"), 3, 2, 1),
        Read(("depthwise",), 3, 1, 1),
    )
    assert log_candidates(Reading(rows), {8, 16}, sees_sizes=True) == pytest.approx(math.log10(2 * 6))
    assert log_candidates(Reading(rows), {8, 16}, sees_sizes=False) == pytest.approx(math.log10(2 * 6 * 2**3))
    assert log_all(3, {8, 16}) == pytest.approx(3 * math.log10(4 * 2 * 2 * 8))


def test_rows_of_an_observation_have_its_neighbours_and_its_runs() -> None:
    sizes = (64, 64, 64, 32, 32, 64)
    seen = Observation((1e-6,) * 6, sizes, (1, 2, 1, 1, 1, 0))
    rows = windowed(seen)
    assert len(rows) == 6
    assert np.isfinite(rows).all()
    assert rows.shape[1] == windowed(Observation((1e-6,) * 9, (1,) * 9, (1,) * 9)).shape[1]
    assert runs_of(sizes)[:, 0].tolist() == [0, 1, 2, 0, 1, 0]
    assert runs_of(sizes)[:, 1].tolist() == [2, 1, 0, 1, 0, 0]
    assert runs_of(sizes)[3, 4] == pytest.approx(math.log2(33 / 65))
    assert whole(seen).shape == whole(Observation((1e-6,) * 9, (1,) * 9, (1,) * 9)).shape
    assert columns_of(Observation(seconds=(1e-6,) * 5)).shape == (5, 2)
