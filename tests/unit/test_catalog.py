import pytest

from archlock.catalog import Catalog
from archlock.errors import ConfigurationError, UnknownNameError


def test_a_mapping_in_the_order_of_its_members():
    catalog = Catalog("fruit", {"pear": 1, "apple": 2})
    catalog.add("fig", 3)
    assert list(catalog.items()) == [("pear", 1), ("apple", 2), ("fig", 3)]
    assert len(catalog) == 3
    assert "fig" in catalog
    assert "plum" not in catalog
    assert len(Catalog("fruit")) == 0


def test_a_name_that_is_taken():
    catalog = Catalog("fruit", {"pear": 1})
    with pytest.raises(ConfigurationError, match="fruit 'pear' is already in the catalog; choose another name"):
        catalog.add("pear", 2)
    assert catalog["pear"] == 1


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown fruit 'plum'; known: pear, apple") as caught:
        Catalog("fruit", {"pear": 1, "apple": 2})["plum"]
    assert (caught.value.kind, caught.value.name, caught.value.known) == ("fruit", "plum", ("pear", "apple"))


def test_the_catalog_keeps_its_own_members():
    members = {"pear": 1}
    catalog = Catalog("fruit", members)
    members["apple"] = 2
    assert list(catalog) == ["pear"]
