import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.errors import ConfigurationError
from archlock.preferences import PREFERENCES, TRANSFERRED, Column, EvidenceTable, ScoreModel
from archlock.preferences.transferred import lessons
from archlock.recipes import chosen_contenders
from archlock.spaces import SPACES
from archlock.tables import open_by_name_or_path

SPACE = SPACES["nasbench201"]
MAKE = PREFERENCES[TRANSFERRED]


def noise(space, tasks=("source", "rotation"), rows=30):
    """Evidence that says nothing."""
    rng = np.random.default_rng(0)
    architectures = tuple({space.sample(rng): None for _ in range(rows)})
    columns = tuple(Column(task, measure) for task in tasks for measure in ("one", "two"))
    return EvidenceTable(architectures, columns, rng.normal(size=(len(architectures), len(columns))))


def test_the_source_is_scored_as_sources_and_the_rest_as_targets():
    architectures, source, target = lessons("transfer201")
    preference = MAKE(noise(SPACE), SPACE)
    assert preference.tasks == ("source", "rotation")
    scores = preference.scores(architectures)
    assert spearmanr(scores[0], source).statistic > 0.6
    assert spearmanr(scores[1], target).statistic > 0.6


def test_lessons_are_means_over_tasks_with_failures_lowest():
    table = open_by_name_or_path("transfer201")
    architectures, source, target = lessons("transfer201")
    assert architectures == table.architectures
    for values in (source, target):
        assert np.isfinite(values).all()
        assert abs(values.mean()) < 0.05
    named = {source for source, _ in table.pairs}
    ranks = [np.argsort(np.argsort(table.recorded(table.truth(name)))) for name in named]
    assert spearmanr(np.mean(ranks, axis=0), source).statistic > 0.95


def test_evidence_counts_as_much_as_the_table():
    evidence = noise(SPACE)
    strong = np.repeat(SPACE.relative_cost(evidence.architectures)[:, None], 4, axis=1)
    told = EvidenceTable(evidence.architectures, evidence.columns, -strong)
    asked = evidence.architectures
    with_table, alone = MAKE(told, SPACE).scores(asked)[1], ScoreModel(told, SPACE).scores(asked)[1]
    assert spearmanr(with_table, -strong[:, 0]).statistic < spearmanr(alone, -strong[:, 0]).statistic
    assert spearmanr(with_table, MAKE(evidence, SPACE).scores(asked)[1]).statistic < 0.9


def test_a_space_without_a_table_goes_by_its_evidence():
    space = SPACES["transnas101_micro"]
    evidence = noise(space)
    assert np.array_equal(
        MAKE(evidence, space).scores(evidence.architectures), ScoreModel(evidence, space).scores(evidence.architectures)
    )


def test_it_is_not_judged_by_recorded_tables():
    with pytest.raises(ConfigurationError, match=r"'transferred' was trained on recorded outcomes .* cannot judge it"):
        chosen_contenders(("tu",), preference=TRANSFERRED)
