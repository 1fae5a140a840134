from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from archlock.adaptation import FINE_TUNE, PROBE, SOURCE, AdaptationSettings
from archlock.errors import SearchError
from archlock.evidence import Measurement
from archlock.preferences import Column, ScoreModel
from archlock.recipes.lock import learning
from archlock.recipes.lock.gathering import Subjects
from archlock.recipes.lock.learning import adaptation_table, promising, some_architectures
from archlock.search import Belief, SourceFloor, next_candidates
from archlock.seeding import rng_for
from archlock.spaces import SPACES
from archlock.training import Plan
from tiny_runs import tiny_source, tiny_target

SPACE = SPACES["transnas101_micro"]
SUBJECTS = Subjects(tiny_source(), {"other": tiny_target()}, AdaptationSettings(4, 1, Plan(1), Plan(1)), device="cpu")


def measured(failed: int, count: int = 12, subjects: Subjects = SUBJECTS) -> tuple:
    """Made-up evidence: three convolutions good for the source; the first ``failed`` trainings diverged."""
    chosen = some_architectures(SPACE, count, seed=0)
    known = {}
    for index, architecture in enumerate(chosen):
        for key in subjects.keys(architecture, 0):
            value = np.nan if index < failed else 0.3 + 0.1 * architecture.code.count("3")
            status = "failed" if index < failed else "valid"
            known[key] = Measurement(key, value, "accuracy", 1.0, status)
    return chosen, known


@pytest.mark.parametrize("space", ["nasbench201", "transnas101_micro", "transnas101_macro"])
def test_first_candidates_are_connected_different_and_repeatable(space: str) -> None:
    found = some_architectures(SPACES[space], 20, seed=1)
    assert len(set(found)) == 20
    assert all(SPACES[space].is_connected(a) and SPACES[space].simplify(a) == a for a in found)
    assert found == some_architectures(SPACES[space], 20, seed=1)
    assert found != some_architectures(SPACES[space], 20, seed=2)


def test_a_failed_training_is_left_out_of_the_table() -> None:
    chosen, known = measured(failed=3)
    table = adaptation_table(chosen, SUBJECTS, known, seed=0)
    assert table.architectures == chosen[3:]
    assert table.columns == (Column("source", SOURCE), Column("other", PROBE), Column("other", FINE_TUNE))
    assert np.isfinite(table.values).all()


def test_too_few_trainings_that_succeed_are_an_error() -> None:
    chosen, known = measured(failed=8)
    with pytest.raises(SearchError, match="only 4 of 12 short trainings on the source succeeded; expected at least 5"):
        adaptation_table(chosen, SUBJECTS, known, seed=0)


def test_the_spread_of_a_mean_over_targets_is_that_of_a_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deviation of the mean of n independent scores: the root of the sum of variances, divided by n."""
    three = replace(
        SUBJECTS, targets={name: tiny_target((label, 9)) for name, label in zip("abc", (4, 5, 6), strict=True)}
    )
    chosen, known = measured(0, subjects=three)
    model = ScoreModel(adaptation_table(chosen, three, known, seed=0), SPACE)
    asked: list[Belief] = []

    def spy(source: Belief, target: Belief, **more: Any) -> np.ndarray:
        asked.append(target)
        return next_candidates(source, target, **more)

    monkeypatch.setattr(learning, "next_candidates", spy)
    promising(SPACE, model, tuple("abc"), SourceFloor("accuracy_loss", 0.1), chosen, 5, rng_for(0, "test"))
    pool = tuple(a for a in SPACE.enumerate() if SPACE.simplify(a) == a and SPACE.is_connected(a))
    alone = [model.uncertainty(pool)[model.tasks.index(name)] for name in "abc"]
    (belief,) = asked
    assert belief.std == pytest.approx(np.sqrt(np.sum(np.square(alone), axis=0)) / 3)
    assert (belief.std <= np.max(alone, axis=0)).all(), "no mean is less certain than its least certain part"


@pytest.mark.parametrize("targets", [("other",), ()])
def test_what_is_promising_is_new_connected_and_repeatable(targets: tuple[str, ...]) -> None:
    chosen, known = measured(failed=0)
    model = ScoreModel(adaptation_table(chosen, SUBJECTS, known, seed=0), SPACE)

    def ask() -> tuple:
        floor = SourceFloor("accuracy_loss", 0.1)
        return promising(SPACE, model, targets, floor, chosen, 10, rng_for(0, "test"))

    found = ask()
    assert len(set(found)) == 10
    assert not set(found) & set(chosen)
    assert all(SPACE.is_connected(a) and SPACE.simplify(a) == a for a in found)
    assert found == ask()
    if not targets:  # scheme S looks where the source is good
        mean, _ = model.predict(found, Column("source", SOURCE))
        everywhere, _ = model.predict(tuple(SPACE.enumerate()), Column("source", SOURCE))
        assert np.median(mean) > np.median(everywhere)
