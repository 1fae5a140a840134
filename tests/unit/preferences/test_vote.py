import numpy as np
import pytest
from scipy.stats import rankdata

from archlock.errors import ConfigurationError, MeasurementError
from archlock.preferences import Column, EvidenceTable, Vote
from archlock.preferences.vote import averaged, copeland, mean_rank, vote_margins
from archlock.spaces import SPACES

MICRO = SPACES["transnas101_micro"]
RNG = np.random.default_rng(0)


def test_margins_by_hand():
    values = np.array([[1.0, 5.0, np.nan], [2.0, 4.0, 0.0], [2.0, 9.0, 3.0]])
    assert vote_margins(values, values).tolist() == [[0, 0, -2], [0, 0, -2], [2, 2, 0]]


def test_copeland_by_brute_force():
    values = RNG.integers(0, 4, size=(30, 7)).astype(float)
    expected = [sum(np.sign(sum(np.sign(values[i] - values[j]))) for j in range(30)) / 29 for i in range(30)]
    assert np.allclose(copeland(values), expected)


def test_many_architectures_are_counted_in_blocks():
    values = RNG.standard_normal((1100, 1))
    assert np.allclose(copeland(values), 2 * (rankdata(values[:, 0]) - 1) / 1099 - 1)


def test_mean_rank_by_scipy_and_missing_values():
    values = RNG.standard_normal((30, 7))
    assert np.allclose(mean_rank(values), (2 * (rankdata(values, axis=0) - 1) / 29 - 1).mean(axis=1))
    values = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    assert mean_rank(values).tolist() == [-1.0, 1.0, 0.0]


def test_unanimous_measures_win_in_either_count():
    values = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    assert copeland(values).tolist() == mean_rank(values).tolist() == [-1, -0.5, 0, 0.5, 1]


def table(values):
    codes = ("333333", "222222", "111111")[: len(values)]
    columns = (Column("a", "snip"), Column("a", "nwot"), Column("b", "snip"))
    return EvidenceTable(tuple(map(MICRO.architecture, codes)), columns, np.array(values))


VALUES = [[3.0, 3.0, 1.0], [2.0, 2.0, 2.0], [1.0, 1.0, 3.0]]


@pytest.mark.parametrize("method", ["copeland", "mean_rank"])
def test_preference_by_task(method):
    preference = Vote(table(VALUES), method=method)
    asked = [MICRO.architecture("111111"), MICRO.architecture("333333")]
    assert preference.tasks == ("a", "b")
    assert preference.scores(asked).tolist() == [[-1, 1], [1, -1]]


def test_repeated_rows_are_averaged():
    evidence = table(VALUES)
    values = np.concatenate([evidence.values, [[9.0, np.nan, 5.0]]])
    architectures, means = averaged(
        EvidenceTable((*evidence.architectures, evidence.architectures[0]), evidence.columns, values)
    )
    assert architectures == evidence.architectures
    assert means[0].tolist() == [6, 3, 3]


def test_a_vote_does_not_generalise():
    with pytest.raises(MeasurementError, match="only the 3 measured architectures, and transnas101_micro:000000"):
        Vote(table(VALUES)).scores([MICRO.architecture("000000")])


def test_unknown_count():
    with pytest.raises(ConfigurationError, match="copeland or mean_rank; got 'borda'"):
        Vote(table(VALUES), method="borda")
