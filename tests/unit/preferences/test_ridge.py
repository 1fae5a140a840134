import numpy as np
import pytest

from archlock.errors import MeasurementError
from archlock.preferences import PREFERENCES, Column, EvidenceTable, Ridge, normal_scores
from archlock.preferences.ridge import STRENGTHS
from archlock.spaces import SPACES

SPACE = SPACES["transnas101_micro"]
DRAWN = tuple(SPACE.sample(np.random.default_rng(row)) for row in range(60))


def test_it_is_the_ridge_in_closed_form_at_the_strength_that_foretells_left_out_rows_best():
    features = SPACE.features(DRAWN)
    values = features[:, :20] @ np.arange(20) + np.random.default_rng(1).normal(0, 5, len(DRAWN))
    scores = normal_scores(values)
    centred = features - features.mean(axis=0)
    gram = centred @ centred.T

    def hat(strength):
        return gram @ np.linalg.inv(gram + strength * np.eye(len(gram))) + 1 / len(gram)

    errors = [np.mean(((scores - hat(s) @ scores) / (1 - np.diag(hat(s)))) ** 2) for s in STRENGTHS]
    expected = hat(STRENGTHS[int(np.argmin(errors))]) @ scores
    found = PREFERENCES["ridge"](EvidenceTable(DRAWN, (Column("a", "training"),), values[:, None]), SPACE)
    np.testing.assert_allclose(found.scores(DRAWN)[0], expected, atol=1e-6)


def test_columns_of_a_task_count_alike_and_gaps_are_left_out():
    values = np.random.default_rng(2).normal(size=(60, 2))
    values[40:, 1] = np.nan
    columns = (Column("a", "one"), Column("a", "two"))
    both = Ridge(EvidenceTable(DRAWN, columns, values), SPACE).scores(DRAWN)
    alone = [
        Ridge(EvidenceTable(DRAWN[:rows], (column,), values[:rows, [place]]), SPACE).scores(DRAWN)
        for place, (column, rows) in enumerate(zip(columns, (60, 40), strict=True))
    ]
    np.testing.assert_allclose(both, np.mean(alone, axis=0))


def test_too_few_values_are_an_error():
    values = np.full((60, 1), np.nan)
    values[:4] = 1
    with pytest.raises(MeasurementError, match=r"training of a has 4 values; .* at least 5"):
        Ridge(EvidenceTable(DRAWN, (Column("a", "training"),), values), SPACE)
