import pytest

from archlock.errors import ArchitectureError
from archlock.spaces.architecture import Architecture
from archlock.spaces.transnas101_macro import is_code, transnas101_macro


def test_size_is_the_published_one():
    assert len(transnas101_macro) == 3_256


@pytest.mark.parametrize(
    ("code", "member"),
    [
        ("4111", True),
        ("444333", False),  # six halvings
        ("444311", True),  # three doublings, four halvings: the most
        ("444411", False),  # four doublings
        ("2222", False),
        ("2111", False),  # no halving
        ("3111", False),  # no doubling
        ("411", False),
        ("4111111", False),
        ("4110", False),
        ("", False),
    ],
)
def test_rules(code, member):
    assert is_code(code) == member


def test_official_string():
    architecture = transnas101_macro.parse("64-4111-basic")
    assert architecture.code == "4111"
    assert transnas101_macro.official_string(architecture) == "64-4111-basic"
    with pytest.raises(ArchitectureError, match="'64-1111-basic' is not an architecture of transnas101_macro; "):
        transnas101_macro.parse("64-1111-basic")


def test_neighbours_change_add_or_remove_one_module():
    codes = [neighbour.code for neighbour in transnas101_macro.neighbours(Architecture("transnas101_macro", "4111"))]
    assert "4112" in codes
    assert "41111" in codes
    assert "2111" not in codes  # not a member
    assert {len(code) for code in codes} == {4, 5}
    six = [neighbour.code for neighbour in transnas101_macro.neighbours(Architecture("transnas101_macro", "411111"))]
    assert {len(code) for code in six} == {5, 6}


def test_shape_features_by_hand():
    features = transnas101_macro.features([Architecture("transnas101_macro", "4123")])[0]
    channels, resolution = [1, 1, 2, 2, 2, 2], [-1, -1, -1, -2, -2, -2]
    # parameters 4 + 4 + 16 + 16 = 40; multiply-adds 1 + 1 + 4 + 1 = 7
    assert features[30 + 15 * 25 :].tolist() == pytest.approx([*channels, *resolution, 4, 2, 2, 5.321928, 2.807355])


def test_every_code_is_its_own_class():
    assert all(
        transnas101_macro.canonicalise(a) == transnas101_macro.simplify(a) == a for a in transnas101_macro.enumerate()
    )
