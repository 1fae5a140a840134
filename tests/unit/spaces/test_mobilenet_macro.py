import csv
import gzip

import numpy as np
import pytest

from archlock.errors import ArchitectureError
from archlock.spaces import SPACES, MacroLayer, macro_layers
from shared_data import shared

SPACE = SPACES["mobilenet_macro"]


def test_codes_and_functions():
    assert len(SPACE) == 6_561
    assert len({SPACE.simplify(one) for one in SPACE.enumerate()}) == 3_969


@pytest.mark.parametrize(
    ("code", "simplest"),
    [("02012100", "02012100"), ("10120210", "10102201"), ("01110220", "01101202"), ("00000000", "00000000")],
)
def test_identities_behind_the_first_layer_of_a_group_stand_first(code, simplest):
    assert SPACE.simplify(SPACE.architecture(code)).code == simplest
    assert SPACE.canonicalise(SPACE.architecture(code)) == SPACE.simplify(SPACE.architecture(code))


def test_identities_alone_are_a_network():
    assert SPACE.is_connected(SPACE.architecture("00000000"))


def test_layers_by_hand():
    assert macro_layers(SPACE.architecture("10002011")) == (
        MacroLayer(kernel=3, expansion=3, multiple=2, stride=2),
        MacroLayer(kernel=1, expansion=0, multiple=4, stride=2),
        MacroLayer(kernel=5, expansion=6, multiple=4, stride=1),
        MacroLayer(kernel=1, expansion=0, multiple=8, stride=2),
        MacroLayer(kernel=3, expansion=3, multiple=8, stride=1),
        MacroLayer(kernel=3, expansion=3, multiple=8, stride=1),
    )
    assert [one.stride for one in macro_layers(SPACE.architecture("10000000"), depth=2)] == [2, 1, 2, 2]
    with pytest.raises(ArchitectureError, match="'sizes:11111' is not an architecture of mobilenet_macro"):
        macro_layers(SPACES["sizes"].architecture("11111"))


def test_traits_by_hand():
    shape = SPACE.shape([SPACE.architecture("10012000")])
    traits = dict(zip(shape.names, shape.values[0].tolist(), strict=True))
    assert traits["number of identity"] == 5
    assert [traits[f"layers of group {group}"] for group in (1, 2, 3)] == [1, 3, 1]
    assert traits["convolutions on the shortest path"] == 3 + 1 + 1


def test_codes_of_one_function_look_alike_to_a_surrogate():
    one, same, other = (SPACE.architecture(code) for code in ("10120210", "10102201", "10102102"))
    features = SPACE.features([one, same, other])
    np.testing.assert_array_equal(features[0], features[1])
    assert (features[0] != features[2]).any()


def test_bad_codes_are_named():
    with pytest.raises(ArchitectureError, match=r"'0120' is not .*; expected 8 digits from 0 to 2 such as '02012100'"):
        SPACE.architecture("0120")
    with pytest.raises(ArchitectureError, match="'01201203' is not an architecture of mobilenet_macro"):
        SPACE.parse("01201203")


def test_the_cost_is_that_of_all_recorded_networks():
    with gzip.open(shared("nasbench_macro.csv.gz"), "rt") as stream:
        rows = list(csv.DictReader(stream))
    architectures = [SPACE.architecture(row["code"]) for row in rows]
    rest = (27 * 32 * 32**2 + 256 * 1280 * 16 + 1280 * 10) / 1e6  # stem, tail and head
    recorded = np.array([int(row["flops"]) for row in rows]) / 1e6
    np.testing.assert_allclose(SPACE.relative_cost(architectures) + rest, recorded, rtol=0, atol=1e-9)
    accuracy = {}
    for architecture, row in zip(architectures, rows, strict=True):
        accuracy.setdefault(SPACE.simplify(architecture), set()).add(row["cifar10_test_run1"])
    assert all(len(found) == 1 for found in accuracy.values()), "the table has one accuracy for each function"
