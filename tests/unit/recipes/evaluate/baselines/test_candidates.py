"""Candidates stand for their classes, and percentiles count over the whole table."""

import numpy as np
import pytest

from archlock.errors import ConfigurationError, SearchError
from archlock.ranking import rank_percentiles
from archlock.recipes.evaluate.baselines.candidates import candidates_of, sample_rows, shortlist
from archlock.spaces import SPACES
from archlock.tables import Provenance, RecordedColumn, Table, open_pair

SPACE = SPACES["transnas101_micro"]
CODES = tuple(one.code for one in SPACE.enumerate())[::5]
COLUMNS = (RecordedColumn("a", "a", "truth", "accuracy"), RecordedColumn("b", "b", "truth", "accuracy"))
VALUES = np.random.default_rng(0).random((2, len(CODES)))
EVIDENCE = open_pair(Table("x", SPACE.name, CODES, COLUMNS, VALUES, Provenance("test", ())), "a", "b", scheme="tk")[0]
FOUND = candidates_of(EVIDENCE)


def test_one_connected_architecture_of_every_class_with_its_count():
    connected = [one for one in EVIDENCE.architectures if SPACE.is_connected(one)]
    classes = {SPACE.canonicalise(one) for one in connected}
    assert {SPACE.canonicalise(one) for one in FOUND.architectures} == classes
    assert len(FOUND.architectures) == len(classes)
    assert list(FOUND.architectures) == sorted(FOUND.architectures)
    assert FOUND.counts.sum() == len(connected)
    assert FOUND.disconnected == len(CODES) - len(connected)
    for row in (0, 50, -1):
        same = [one for one in connected if SPACE.canonicalise(one) == SPACE.canonicalise(FOUND.architectures[row])]
        assert (FOUND.counts[row], FOUND.architectures[row]) == (len(same), min(same))


def test_percentiles_are_those_of_the_whole_table():
    scores = np.random.default_rng(1).random(len(FOUND.architectures))
    by_class = {SPACE.canonicalise(a): score for a, score in zip(FOUND.architectures, scores, strict=True)}
    everybody = np.array(
        [by_class[SPACE.canonicalise(a)] if SPACE.is_connected(a) else -1 for a in EVIDENCE.architectures]
    )
    rows = [EVIDENCE.architectures.index(one) for one in FOUND.architectures]
    np.testing.assert_allclose(FOUND.percentiles(scores), rank_percentiles(everybody)[rows])
    judgement = FOUND.judge(scores, scores[None, ::-1], 0.9)
    np.testing.assert_array_equal(judgement.feasible, rank_percentiles(everybody)[rows] >= 0.9)
    np.testing.assert_allclose(judgement.scores, -scores[::-1])


def test_a_random_sample_tells_shares_of_the_whole_table():
    scores = np.random.default_rng(1).random(len(FOUND.architectures))
    rows = np.arange(len(scores))
    shares = FOUND.share_below(scores, rows, scores)  # everybody drawn: the truth
    np.testing.assert_allclose(shares, FOUND.percentiles(scores), atol=2 / len(CODES))
    some = sample_rows(FOUND, 200, np.random.default_rng(2))
    assert len(set(some.tolist())) == 200
    assert np.abs(FOUND.share_below(scores, some, scores[some]) - shares).max() < 0.12


def test_the_shortlist_is_the_best_that_keep_the_floor():
    scores = np.random.default_rng(3).random((2, len(FOUND.architectures)))
    judgement = FOUND.judge(scores[0], scores[1:], 0.9)
    best = sorted(np.flatnonzero(judgement.feasible), key=lambda row: scores[1, row])[:7]
    assert shortlist(FOUND, judgement, "exhaustive", evaluations=1, count=7, seed=0).tolist() == best
    for strategy in ("nsga2", "regularised_evolution"):
        found = shortlist(FOUND, judgement, strategy, evaluations=300, count=7, seed=0)
        assert judgement.feasible[found].all()
    nobody = FOUND.judge(scores[0], scores[1:], 1.0)
    (nearest,) = shortlist(FOUND, nobody, "random_sampling", evaluations=1, count=1, seed=0)
    assert nearest == np.argmax(scores[0])


def test_too_few_and_senseless_are_errors():
    with pytest.raises(SearchError, match="at least 10 per task; the allowance and the table provide 9"):
        sample_rows(FOUND, 9, np.random.default_rng(0))
    scores = np.zeros(len(FOUND.architectures))
    with pytest.raises(ConfigurationError, match="at least one architecture; got 0"):
        shortlist(FOUND, FOUND.judge(scores, scores[None], 0.5), "exhaustive", evaluations=1, count=0, seed=0)
