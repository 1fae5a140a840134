import itertools

import numpy as np
import pytest

from archlock.adaptation import FINE_TUNE, PROBE, SOURCE
from archlock.preferences import Column, EvidenceTable, ScoreModel, Vote
from archlock.preferences.vote import make_vote
from archlock.recipes.lock.judging import ALLOWANCES, SOURCE_TASK, Landscape, landscape, shortlist, trade_off_points
from archlock.recipes.lock.learning import some_architectures
from archlock.search import SourceFloor
from archlock.spaces import SPACES
from tiny_runs import tiny_config

SPACE = SPACES["transnas101_micro"]
TARGETS = ("one", "two")


def worth(code: str, operation: str) -> float:
    return code.count(operation) / 6


@pytest.fixture(scope="module")
def evidence() -> EvidenceTable:
    """Convolutions of 3 x 3 help the source, and skip connections whoever attacks."""
    chosen = some_architectures(SPACE, 24, seed=3)
    columns = (Column(SOURCE_TASK, SOURCE), *(Column(t, m) for t in TARGETS for m in (PROBE, FINE_TUNE)))
    rows = [
        [0.7 + 0.25 * worth(a.code, "3"), *[0.3 + 0.5 * worth(a.code, "1") + 0.01 * i for i in range(4)]]
        for a in chosen
    ]
    return EvidenceTable(chosen, columns, np.array(rows))


@pytest.fixture(scope="module")
def model(evidence: EvidenceTable) -> ScoreModel:
    return ScoreModel(evidence, SPACE)


@pytest.fixture(scope="module")
def seen(model: ScoreModel) -> Landscape:
    return landscape(model, SPACE, TARGETS)


def test_a_landscape_has_every_connected_architecture_in_units(seen: Landscape, model: ScoreModel) -> None:
    assert set(seen.architectures) == {a for a in SPACE.enumerate() if SPACE.is_connected(a)}
    assert seen.in_units
    assert seen.targets.shape == (2, len(seen.architectures))
    assert seen.cheapest == tuple(map(SPACE.simplify, seen.architectures))
    expected, _ = model.predict(seen.cheapest, Column(SOURCE_TASK, SOURCE))
    np.testing.assert_array_equal(seen.source, expected)
    best = seen.architectures[int(np.argmax(seen.source))]
    assert seen.percentiles[best] == max(seen.percentiles.values()) <= 1
    assert seen.forecasts[best] == pytest.approx(seen.targets[:, int(np.argmax(seen.source))].mean())


def test_a_vote_knows_no_units(evidence: EvidenceTable) -> None:
    vote = make_vote(evidence, SPACE, embeddings=None, seed=0)
    assert isinstance(vote, Vote)
    chosen = evidence.architectures
    there = Landscape(chosen, chosen, vote.scores(chosen)[0], vote.scores(chosen)[1:], False)
    assert trade_off_points(vote, there, TARGETS) == ()


@pytest.mark.parametrize("strategy", ["exhaustive", "random_sampling", "regularised_evolution"])
def test_every_strategy_keeps_the_floor_and_lists_no_class_twice(seen: Landscape, strategy: str) -> None:
    config = tiny_config(strategy=strategy, space=SPACE.name, floor=SourceFloor("accuracy_loss", 0.05))
    found = shortlist(config, seen, SPACE, targeted=True, count=5, evaluations=200)
    source = dict(zip(seen.architectures, seen.source.tolist(), strict=True))
    assert 1 <= len(found) <= 5
    assert len({SPACE.canonicalise(a) for a in found}) == len(found)
    assert all(SPACE.simplify(a) == a for a in found)
    assert all(source[a] >= seen.source.max() - 0.05 - 1e-9 for a in found)
    assert found == shortlist(config, seen, SPACE, targeted=True, count=5, evaluations=200)


def test_a_list_of_everything_has_every_function_once(seen: Landscape) -> None:
    config = tiny_config(space=SPACE.name, floor=SourceFloor("percentile", 0.0))
    found = shortlist(config, seen, SPACE, targeted=True, count=len(SPACE))
    assert len(found) == 1_375  # all but the constant predictor; 2,123 isomorphism classes
    assert set(found) == set(seen.cheapest)


def test_the_best_lock_is_the_least_target_score_above_the_floor(seen: Landscape) -> None:
    config = tiny_config(space=SPACE.name, floor=SourceFloor("accuracy_loss", 0.05))
    (lock,) = shortlist(config, seen, SPACE, targeted=True, count=1)
    kept = seen.source >= seen.source.max() - 0.05
    place = seen.architectures.index(lock)
    assert kept[place]
    (ordinary,) = shortlist(config, seen, SPACE, targeted=False, count=1)
    assert seen.source[seen.architectures.index(ordinary)] == pytest.approx(seen.source.max())
    gains = seen.targets.mean(0)
    assert gains[place] < gains[seen.architectures.index(ordinary)]


def test_disconnected_architectures_are_never_listed(seen: Landscape) -> None:
    for objective in ("constrained", "published"):
        config = tiny_config(space=SPACE.name, objective=objective, floor=SourceFloor("percentile", 0.0))
        found = shortlist(config, seen, SPACE, targeted=True, count=50)
        assert len(found) == 50
        assert all(SPACE.is_connected(a) for a in found)


def test_more_source_accuracy_to_give_up_never_takes_less_from_the_attackers(
    model: ScoreModel, seen: Landscape
) -> None:
    points = trade_off_points(model, seen, TARGETS)
    scores = dict(zip([a.code for a in seen.architectures], seen.targets.mean(0).tolist(), strict=True))
    losses = [point.source_loss for point in points]
    assert losses == sorted(losses)
    assert set(losses) <= set(ALLOWANCES)
    order = [scores[point.code] for point in points]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(order))
    for point in points:
        assert SPACE.simplify(SPACE.parse(point.code)).code == point.code
        assert point.source_validation >= seen.source.max() - point.source_loss - 1e-9
        assert point.estimated
    assert points[-1].taken_away > 0


def test_without_targets_there_is_no_trade_off(model: ScoreModel) -> None:
    alone = landscape(model, SPACE, ())
    assert trade_off_points(model, alone, ()) == ()
    assert set(alone.forecasts.values()) == {0.0}
