import csv
import gzip

import numpy as np
import pytest

from archlock.errors import ArchitectureError
from archlock.spaces.cell import live_edges
from archlock.spaces.nasbench201 import nasbench201, read, unique_string, write
from shared_data import shared


def table():
    with gzip.open(shared("nasbench201.csv.gz"), "rt") as stream:
        return list(csv.DictReader(stream))


def test_size():
    assert len(nasbench201) == 15_625


def test_official_string():
    text = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    assert write("421211") == text
    assert nasbench201.parse(text).code == "421211"


@pytest.mark.parametrize(
    "text",
    [
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~1|",  # wrong tail
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|",  # an edge list that ends early
        "|max_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    ],
)
def test_a_string_that_is_almost_right_is_refused(text):
    assert read(text) is None
    with pytest.raises(ArchitectureError, match="expected 6 digits from 0 to 4 such as '421010'"):
        nasbench201.parse(text)


def test_unique_string():
    assert unique_string("000300") == unique_string("100030") != unique_string("000200")  # a skip is looked through
    assert unique_string("000000") == "#+#+#"
    # known weakness of the official string: one convolution used twice looks like two convolutions of equal inputs
    assert unique_string("330011") == unique_string("301011")


def test_classes_number_6466():
    classes = {nasbench201.canonicalise(architecture) for architecture in nasbench201.enumerate()}
    assert len(classes) == 6_466


def test_connectivity_is_a_property_of_the_class():
    architectures = list(nasbench201.enumerate())
    connected = live_edges(nasbench201.digits(architectures)).any(axis=1)
    representatives = nasbench201.digits([nasbench201.canonicalise(architecture) for architecture in architectures])
    np.testing.assert_array_equal(connected, live_edges(representatives).any(axis=1))
    assert (~connected).sum() == 341  # so many constant predictors the published tables hold


def test_strings_classes_and_connectivity_equal_the_table():
    partner = {}
    for row in table():
        architecture = nasbench201.parse(row["arch_str"])
        assert architecture.code == row["ops"]
        assert nasbench201.is_connected(architecture) == (row["connected"] == "1")
        assert partner.setdefault(row["iso_class"], nasbench201.canonicalise(architecture)) == (
            nasbench201.canonicalise(architecture)
        )
    assert len(partner) == len(set(partner.values())) == 6_466
