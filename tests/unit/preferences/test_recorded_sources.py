"""What recorded trainings on other data say of the source: what is read, what is not, and whether it is any good."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import spearmanr

from archlock.preferences import recorded_sources, source_lesson
from archlock.spaces import SPACES
from archlock.tables import open_by_name_or_path

SPACE = SPACES["locking_macro"]
OTHER = "transfer_macro100"


def test_a_source_that_was_never_read_is_foretold(monkeypatch: pytest.MonkeyPatch) -> None:
    table = open_by_name_or_path(OTHER)
    truth = table.scores(table.truth("cifar100_full"))
    monkeypatch.setattr(recorded_sources, "TABLES", {SPACE.name: ("transfer_macro",)})
    lesson = source_lesson(SPACE, table.architectures)
    assert lesson is not None
    assert lesson.tables == ("transfer_macro",)
    assert spearmanr(lesson.scores, truth).statistic > 0.5


def test_every_table_teaches_and_each_architecture_counts_once() -> None:
    tables = [open_by_name_or_path(name) for name in ("transfer_macro", OTHER)]
    lesson = source_lesson(SPACE, tables[0].architectures)
    assert lesson is not None
    assert lesson.tables == ("transfer_macro", OTHER)
    assert lesson.recorded == len({one for table in tables for one in table.architectures})
    assert lesson.scores.shape == (len(tables[0].architectures),)
    assert np.isfinite(lesson.scores).all()


@pytest.mark.parametrize(
    ("targets", "tables"),
    [
        (["gtsrb", "photos"], ("transfer_macro", OTHER)),
        (["gtsrb", "data/CIFAR-100/"], ("transfer_macro",)),
        (["cifar100_full.npz"], ("transfer_macro",)),
        (["cifar10_full.npz"], (OTHER,)),
        (["cifar-10"], ()),  # (it is part of both names, and nobody can tell)
    ],
)
def test_no_table_is_read_whose_source_is_a_target(targets: Sequence[str], tables: tuple[str, ...]) -> None:
    lesson = source_lesson(SPACE, [SPACE.sample(np.random.default_rng(0))], targets=targets)
    assert (() if lesson is None else lesson.tables) == tables


def test_spaces_without_such_tables_have_none() -> None:
    space = SPACES["nasbench201"]
    assert source_lesson(space, list(space.enumerate())[:3]) is None


def test_it_is_the_same_for_each_architecture_whatever_is_asked_beside() -> None:
    rng = np.random.default_rng(1)
    architectures = [SPACE.sample(rng) for _ in range(6)]
    together = source_lesson(SPACE, architectures)
    alone = source_lesson(SPACE, architectures[:1])
    assert together is not None
    assert alone is not None
    assert together.scores[0] == pytest.approx(alone.scores[0], rel=1e-12)
