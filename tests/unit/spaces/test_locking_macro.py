"""A space made for locking: how many there are, what its words mean, what is the same function, what it costs."""

from itertools import product

import numpy as np
import pytest

from archlock.errors import ArchitectureError
from archlock.spaces import Architecture, levels_of_places, locking_macro
from archlock.spaces.locking_macro import SIZES, is_code
from archlock.spaces.locking_skeleton import AXES, levels_of, multiply_adds, parameters, shape_of, skeleton_of

WORDS = "stem3-whole-late-3stages-1cell-rising-straight-batch-shortcuts-relu-pair"
EXAMPLES = [locking_macro.sample(rng) for rng in [np.random.default_rng(0)] for _ in range(200)]
PLAIN = "00110100000"
"""The code of these words: nearest to an ordinary residual network."""


def test_counts_in_closed_form():
    assert len(locking_macro) == 2**5 * 3**5 * 5 == 38_880
    # the place of the strides makes no difference where two stages have to halve and the stem does not
    same = 38_880 // (2 * 3 * 2)
    functions = {locking_macro.simplify(one) for one in locking_macro.enumerate()}
    assert len(functions) == 38_880 - same == 35_640
    assert len({skeleton_of(one.code) for one in functions}) == 35_640, "no two of them are one network"
    assert all(skeleton_of(one.code) == skeleton_of(locking_macro.simplify(one).code) for one in EXAMPLES)


def test_words_and_digits():
    assert locking_macro.parse(WORDS) == Architecture("locking_macro", PLAIN)
    assert locking_macro.official_string(locking_macro.architecture(PLAIN)) == WORDS
    words = [word for axis in AXES for word in axis.levels]
    assert len(set(words)) == len(words) == sum(SIZES)
    assert not any("-" in word for word in words)
    assert levels_of("11021222124")["cell"] == "pooled"
    assert levels_of_places(locking_macro) == SIZES == (2, 2, 2, 3, 2, 3, 3, 3, 2, 3, 5)


@pytest.mark.parametrize("code", ["", PLAIN[:-1], PLAIN + "0", "2" + PLAIN[1:], PLAIN[:-1] + "5"])
def test_what_is_no_code_is_told_the_axes(code):
    assert not is_code(code)
    with pytest.raises(ArchitectureError, match=r"expected 11 digits.*stem kernel: 0 stem3, 1 stem7; .*4 pooled"):
        locking_macro.architecture(code)
    with pytest.raises(ArchitectureError, match="is not an architecture of locking_macro"):
        locking_macro.parse(WORDS.replace("relu", "gelu"))


def test_a_skeleton_by_hand():
    skeleton = skeleton_of("11021222124")
    assert (skeleton.stem_kernel, skeleton.stem_halves, skeleton.stem_width) == (7, True, 4)
    assert [(stage.width, stage.halves, stage.cells, stage.waist) for stage in skeleton.stages] == [
        (4, True, 2, False),
        (4, False, 2, False),
        (2, False, 2, False),
        (1, False, 2, True),
    ]
    assert (skeleton.normalisation, skeleton.shortcuts, skeleton.activation) == ("none", False, "hardtanh")


def test_the_resolution_is_always_halved_twice():
    for stride, place, stages in product("01", "01", "012"):
        skeleton = skeleton_of(f"0{stride}{place}{stages}0000000")
        halved = [stage.halves for stage in skeleton.stages]
        assert skeleton.stem_halves + sum(halved) == 2
        assert (halved[-1] if place == "1" else halved[0]) or not any(halved)


def test_costs_by_hand():
    """Three stages of one 3x3 convolution, 16, 32 and 64 channels, an image of 16 pixels; the last two stages halve."""
    skeleton = skeleton_of("00110100103")  # without shortcuts
    weights = [27 * 16, 9 * 16 * 16, 9 * 16 * 32, 9 * 32 * 64]
    scales = 2 * (16 + 16 + 32 + 64 + 64)  # stem, three cells, tail
    assert parameters(skeleton, width=16) == sum(weights) + scales + 64 * 10 + 10
    pixels = [256, 256, 64, 16]
    assert multiply_adds(skeleton, width=16, side=16) == int(np.dot(weights, pixels)) + 640
    with_shortcuts = skeleton_of("00110100003")
    assert parameters(with_shortcuts, width=16) - parameters(skeleton, width=16) == 16 * 32 + 32 * 64


def test_fewest_convolutions():
    assert shape_of("00110100000").fewest_convolutions == 2  # a shortcut is open in the first stage alone
    assert shape_of("00110100100").fewest_convolutions == 6
    assert shape_of("00111100102").fewest_convolutions == 24
    assert shape_of("00110110000").fewest_convolutions == 4  # a waist has no shortcut
    assert all(one.fewest_convolutions > 0 for one in map(shape_of, (one.code for one in locking_macro.enumerate())))


def test_features_of_one_function_are_the_same():
    early, late = (locking_macro.architecture(f"00{place}00100000") for place in "01")
    assert locking_macro.simplify(late) == early
    same, other = locking_macro.features([early, late]), locking_macro.features([locking_macro.parse(WORDS)])
    assert np.array_equal(same[0], same[1])
    assert not np.array_equal(same[0], other[0])
    assert same.shape[1] == 30 + (30**2 - sum(size**2 for size in SIZES)) // 2 + 7


def test_a_neighbour_differs_on_one_axis():
    one = locking_macro.architecture(PLAIN)
    differing = [
        sum(a != b for a, b in zip(one.code, other.code, strict=True)) for other in locking_macro.neighbours(one)
    ]
    assert differing == [1] * (sum(SIZES) - len(SIZES)) == [1] * 19
