import numpy as np
import pytest

from archlock.embeddings import Embedding
from archlock.errors import MeasurementError


def embedding(vector, offsets=(("a", 0), ("b", 2)), **changes):
    vector = np.asarray(vector, float)
    fields = {
        "vector": vector,
        "offsets": offsets,
        "examples": 10,
        "standard_error": np.zeros_like(vector),
        "probe": "tiny",
        "probe_fingerprint": "00ff",
        "task": "beef",
    }
    return Embedding(**{**fields, **changes})


def test_layers_and_comparison():
    one = embedding([1, 2, 3])
    assert one.layer("a") == slice(0, 2)
    assert one.layer("b") == slice(2, 3)
    with pytest.raises(KeyError, match="no layer 'c'; known: a, b"):
        one.layer("c")
    assert one.comparable(embedding([3, 2, 1], task="other"))
    assert not one.comparable(embedding([1, 2, 3], probe_fingerprint="1111"))
    assert not one.comparable(embedding([1, 2, 3], offsets=(("a", 0),)))


def test_arrays_are_copies_that_cannot_be_written():
    array = np.ones(3)
    one = embedding(array, standard_error=array)
    array[0] = 9
    assert one.vector[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        one.vector[0] = 2


def test_born_valid():
    with pytest.raises(MeasurementError, match="embedding of task beef by probe 'tiny': 1 of 3 entries are not finite"):
        embedding([1, np.nan, 2])
    with pytest.raises(MeasurementError, match="cannot be negative; got -2"):
        embedding([1, -2, 2])
    assert embedding([1, -2, 2], simulated=True).vector[1] == -2
    with pytest.raises(MeasurementError, match="3 entries but 2 standard errors"):
        embedding([1, 2, 2], standard_error=np.ones(2))
    for offsets in ((), (("a", 1),), (("a", 0), ("b", 3)), (("a", 0), ("b", 0))):
        with pytest.raises(MeasurementError, match="layer starts must ascend from 0 to below 3"):
            embedding([1, 2, 2], offsets=offsets)
