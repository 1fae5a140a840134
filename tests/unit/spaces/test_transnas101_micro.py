import csv
import gzip

import pytest

from archlock.errors import ArchitectureError
from archlock.spaces.transnas101_micro import transnas101_micro
from shared_data import shared


def test_size_and_classes():
    assert len(transnas101_micro) == 4_096
    assert len({transnas101_micro.canonicalise(a) for a in transnas101_micro.enumerate()}) == 2_128


def test_official_string():
    architecture = transnas101_micro.parse("64-41414-3_02_123")
    assert architecture.code == "302123"
    assert transnas101_micro.official_string(architecture) == "64-41414-3_02_123"


@pytest.mark.parametrize("text", ["64-41414-3_02_124", "64-4111-basic", "32-41414-3_02_123"])
def test_other_strings_are_refused(text):
    with pytest.raises(ArchitectureError, match=f"'{text}' is not an architecture of transnas101_micro"):
        transnas101_micro.parse(text)


def test_canonical_cells_and_connectivity_equal_the_table():
    with gzip.open(shared("transnas101_micro.csv.gz"), "rt") as stream:
        for row in csv.DictReader(stream):
            architecture = transnas101_micro.parse(row["arch_str"])
            assert architecture.code == row["ops"]
            assert transnas101_micro.canonicalise(architecture).code == row["canon_ops"]
            assert transnas101_micro.is_connected(architecture) == (row["connected"] == "1")
