"""Wilson's interval, against its definition."""

import math

import pytest
from scipy.optimize import brentq

from archlock.errors import MeasurementError
from archlock.reports import wilson


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (1, 1), (870, 1000)])
def test_the_ends_are_where_the_score_test_turns(count: int, total: int) -> None:
    found = wilson(count, total)
    assert found.value == count / total
    assert 0 <= found.low <= found.value <= found.high <= 1

    def score(share: float) -> float:
        return abs(count / total - share) / math.sqrt(share * (1 - share) / total) - 1.959963984540054

    if count:
        assert found.low == pytest.approx(brentq(score, 1e-9, found.value - 1e-9), abs=1e-6)
    if count < total:
        assert found.high == pytest.approx(brentq(score, found.value + 1e-9, 1 - 1e-9), abs=1e-6)


@pytest.mark.parametrize(("count", "total"), [(0, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(count: int, total: int) -> None:
    with pytest.raises(MeasurementError, match=f"from 0 to a total of at least 1; got {count} of {total}"):
        wilson(count, total)
