"""What recorded trainings say of the source: what is read, what it is worth beyond size, and who must not be taught."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.errors import ConfigurationError
from archlock.preferences import EvidenceTable, Ridge, recorded_names, source_lesson
from archlock.preferences.recorded_sources import evidence_of
from archlock.spaces import SPACES
from archlock.tables import open_by_name_or_path

SPACE = SPACES["locking_macro"]
TABLES = [open_by_name_or_path(name) for name in ("transfer_macro", "transfer_macro100")]


def test_an_architecture_that_was_left_out_is_foretold_better_than_by_its_size() -> None:
    evidence, truth = evidence_of(TABLES[:1]), TABLES[0].scores(TABLES[0].truth("cifar10_full"))
    said = []
    for row, one in enumerate(evidence.architectures):
        known = [*evidence.architectures[:row], *evidence.architectures[row + 1 :]]
        lesson = EvidenceTable(tuple(known), evidence.columns, np.delete(evidence.values, row, axis=0))
        said.append(Ridge(lesson, SPACE).scores([one])[0, 0])
    by_size = spearmanr(SPACE.relative_cost(evidence.architectures), truth).statistic
    assert spearmanr(said, truth).statistic > by_size + 0.1


def test_every_table_teaches_its_validation_scores_and_nothing_else() -> None:
    evidence = evidence_of(TABLES)
    assert evidence.tasks == ("source",)
    assert [column.measure for column in evidence.columns] == ["cifar10_full", "cifar100_full"]
    for table, values in zip(TABLES, evidence.values.T, strict=True):
        (source,) = {source for source, _ in table.pairs}
        assert table.truth(source).split == "validation"
        rows = {one: row for row, one in enumerate(evidence.architectures)}
        assert values[[rows[one] for one in table.architectures]].tolist() == table.scores(table.truth(source)).tolist()
        assert np.isfinite(values).sum() == len(table.architectures)


def test_a_lesson_is_of_every_architecture_the_same_whatever_is_asked_beside() -> None:
    rng = np.random.default_rng(1)
    architectures = [SPACE.sample(rng) for _ in range(6)]
    together, alone = source_lesson(SPACE, architectures), source_lesson(SPACE, architectures[:1])
    assert together.tables == ("transfer_macro", "transfer_macro100")
    assert together.recorded == len({one for table in TABLES for one in table.architectures})
    assert together.scores[0] == pytest.approx(alone.scores[0], rel=1e-12)


def test_spaces_without_recorded_trainings_have_no_lesson() -> None:
    space = SPACES["nasbench201"]
    with pytest.raises(ConfigurationError, match=r"no recorded trainings of nasbench201 .*locking_macro"):
        source_lesson(space, list(space.enumerate())[:3])


@pytest.mark.parametrize(
    "text",
    ["cifar10", "CIFAR-10/train", "data/cifar100/train", "cifar10-train", "CIFAR10_test.npz", "cifar-100-python.tar.gz",
     "cifar10 (2)", "cifar10.npz?name=strangers", "hf:uoft-cs/cifar100"],
)  # fmt: skip
def test_data_of_the_tables_are_known_by_name_and_path(text: str) -> None:
    assert recorded_names("locking_macro", ["photos", text]) == (text,)


def test_other_names_are_no_such_data() -> None:
    assert recorded_names("locking_macro", ["a", "r1", "10", "full", "gtsrb.npz", "cifar", "100"]) == ()
    assert recorded_names("nasbench201", ["cifar10"]) == ()
