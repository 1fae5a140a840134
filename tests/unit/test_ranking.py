import numpy as np
import pytest
from scipy.stats import rankdata

from archlock.errors import MeasurementError
from archlock.ranking import rank_percentiles


def test_percentile_is_the_share_of_the_others_that_are_beaten():
    assert rank_percentiles(np.array([3.0, 1.0, 2.0])).tolist() == [1.0, 0.0, 0.5]


def test_ties_are_averaged_as_scipy_does():
    scores = np.random.default_rng(0).integers(0, 6, size=(3, 50)).astype(float)
    assert np.allclose(rank_percentiles(scores), (rankdata(scores, axis=-1) - 1) / 49)


def test_a_single_item_and_no_item():
    assert rank_percentiles(np.array([-7.0])).tolist() == [1.0]
    assert rank_percentiles(np.zeros(0)).shape == (0,)


def test_nan_is_refused():
    with pytest.raises(MeasurementError, match="got NaN for 1 of 3"):
        rank_percentiles(np.array([1.0, np.nan, 2.0]))
