import numpy as np
import pytest

from archlock.errors import SearchError
from archlock.search import trade_off

SOURCE = np.array([0.9, 0.8, 0.7, 0.7])
TARGET = np.array([5.0, 3.0, 1.0, 1.0])


def test_by_hand():
    points = trade_off(SOURCE, TARGET, [0.85, 0.0, 0.75, 0.99])
    assert [(p.floor, p.index, p.source, p.target) for p in points] == [
        (0.0, 2, 0.7, 1.0),
        (0.75, 1, 0.8, 3.0),
        (0.85, 0, 0.9, 5.0),
    ]


def test_brute_force_and_monotone():
    rng = np.random.default_rng(0)
    source, target = rng.standard_normal((2, 300)).round(1)
    points = trade_off(source, target, np.linspace(-2, 2, 21).tolist())
    assert [p.target for p in points] == sorted(p.target for p in points)
    for p in points:
        assert p.target == target[source >= p.floor].min()
        assert p.source == source[(source >= p.floor) & (target == p.target)].max()


def test_ties_go_to_the_higher_source_value_and_then_to_the_smaller_index():
    (point,) = trade_off(np.array([0.7, 0.9, 0.9, 0.8]), np.array([1.0, 1.0, 1.0, 2.0]), [0.5])
    assert (point.index, point.source) == (1, 0.9)


def test_nobody_reaches_it():
    with pytest.raises(SearchError, match=r"any of the floors \[0.95, 1.0\]; the highest source value is 0.9"):
        trade_off(SOURCE, TARGET, [1.0, 0.95])
    with pytest.raises(SearchError, match="the highest source value is no architecture at all"):
        trade_off(np.zeros(0), np.zeros(0), [0.5])


def test_nan():
    with pytest.raises(SearchError, match="got NaN"):
        trade_off(SOURCE, np.full(4, np.nan), [0.5])
