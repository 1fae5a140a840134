"""NSGA-II beside the lock: what it breeds, which it trains, and that it sees what the lock saw and no more."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.evidence import Key, Measurement
from archlock.preferences import source_lesson
from archlock.recipes.engine.market import candidates_of_space
from archlock.recipes.lock import rival
from archlock.recipes.lock.arms import train_arms
from archlock.recipes.lock.decide import decide
from archlock.recipes.lock.gathering import EvidenceTasks
from archlock.recipes.lock.live_market import full_tasks
from archlock.recipes.lock.rival import (
    Scores,
    bred,
    confirmed,
    find_rival,
    judgement_of,
    lowest_above,
    on_the_front,
    spreads,
)
from archlock.recipes.lock.run import evidence_tasks, known_fingerprints
from archlock.search import Nsga2, RandomSampling
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture, levels_of_places
from tiny_runs import Noted, tiny_begin, tiny_config

SPACE = SPACES["locking_macro"]


def trade(architectures: Sequence[Architecture]) -> Scores:
    """A made-up trade-off: the first half of the digits is good on the source, the second half on the target."""
    found = {}
    for one in architectures:
        digits = [int(digit) for digit in one.code]
        found[one] = np.array([sum(digits[:5]) / 8, 1 - sum(digits[5:]) / 14])
    return found


def dominated(scores: Scores) -> float:
    """Mean over floors on the source of the lowest target above them: the lower the better the front."""
    floors = np.linspace(0, 0.9, 10)
    lowest = [min((v[1] for v in scores.values() if v[0] >= floor), default=1.0) for floor in floors]
    return float(np.mean(lowest))


def test_it_breeds_a_better_front_than_random_sampling_and_nothing_twice() -> None:
    ours, theirs = [], []
    for seed in range(5):
        first = [SPACE.sample(rng_for(seed, place)) for place in range(10)]
        found = bred(Nsga2(SPACE, population=10, first=first, seed=seed), trade, 60, SPACE.is_connected)
        assert len(found) == 60
        assert all(SPACE.simplify(one) == one for one in found)
        assert {SPACE.simplify(one) for one in first} <= set(found)
        ours.append(dominated(found))
        theirs.append(dominated(bred(RandomSampling(SPACE, seed=seed), trade, 60, SPACE.is_connected)))
    assert max(ours) < min(theirs) + 0.05
    assert np.mean(ours) < np.mean(theirs) - 0.05


def test_what_is_not_allowed_is_never_scored_and_the_same_seed_breeds_the_same() -> None:
    asked: list[Architecture] = []

    def scored(architectures: Sequence[Architecture]) -> Scores:
        asked.extend(architectures)
        return trade(architectures)

    def allowed(one: Architecture) -> bool:
        return one.code[0] == "0"

    def once() -> Scores:
        first = [SPACE.sample(rng_for(3, place)) for place in range(8)]
        return bred(Nsga2(SPACE, population=8, first=first, seed=3), scored, 24, allowed)

    found = once()
    assert found
    assert all(one.code[0] == "0" for one in asked)
    assert len(asked) == len(set(asked)) == len(found) <= 24
    assert list(once()) == list(found)
    nothing = bred(RandomSampling(SPACE, seed=0), scored, 5, lambda _: False)
    assert nothing == {}, "it gives up"


def test_fronts_are_peeled_as_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    places = [Architecture("locking_macro", code) for code in ("00000000000", "00000000001", "00000000002")]
    places += [SPACE.sample(rng) for _ in range(30)]
    scores: Scores = {one: np.round(rng.random(3), 1) for one in dict.fromkeys(places)}
    order = on_the_front(scores)
    assert set(order) == set(scores)
    spread = np.array([values[1:] for values in scores.values()]).std(axis=0)
    means = {one: (values[0], (values[1:] / spread).mean()) for one, values in scores.items()}

    def depth(one: Architecture) -> int:
        """Length of the longest chain of those that beat each other above it."""
        above = [
            other for other, (source, target) in means.items()
            if source >= means[one][0] and target <= means[one][1] and means[other] != means[one]
        ]  # fmt: skip
        return 1 + max(map(depth, above), default=0)

    for one, other in itertools.pairwise(order):
        assert (depth(one), -means[one][0]) <= (depth(other), -means[other][0])


def test_a_failed_training_is_below_all_and_no_finalist() -> None:
    good, bad = Architecture("locking_macro", "00000000000"), Architecture("locking_macro", "00000000001")
    for source, target in ((0.1, 0.9), (-3.0, 0.2), (0.5, -50.0)):  # (R squared may be far below zero)
        scores: Scores = {bad: np.array([0.9, np.nan]), good: np.array([source, target])}
        judgement = judgement_of(list(scores.values()), spreads(scores))
        assert judgement.scores[0] < judgement.scores[1]
        assert judgement.shortfall[0] > judgement.shortfall[1]
        assert on_the_front(scores) == [good]
    judgement = judgement_of([np.array([np.nan, np.nan])], np.ones(1))
    assert np.isfinite([*judgement.scores, *judgement.shortfall]).all()


def test_no_target_outweighs_another() -> None:
    """The second differs by less and decides as much."""
    one, two = (Architecture("locking_macro", f"0000000000{digit}") for digit in range(2))
    scores: Scores = {one: np.array([0.9, 0.6, 0.10]), two: np.array([0.9, 0.5, 0.14])}
    scores[Architecture("locking_macro", "00000000002")] = np.array([0.9, 0.9, 0.12])
    assert lowest_above(scores, lambda _, reached: reached >= 0.5) == (one, True)
    assert on_the_front(scores)[0] == one


def test_the_lowest_above_the_floor_is_released_else_the_best_on_the_source() -> None:
    one, two, three = (Architecture("locking_macro", f"0000000000{digit}") for digit in range(3))
    scores: Scores = {one: np.array([0.9, 0.5]), two: np.array([0.8, 0.3]), three: np.array([0.7, 0.1])}
    assert lowest_above(scores, lambda _, reached: reached >= 0.8) == (two, True)
    assert lowest_above(scores, lambda _, reached: reached >= 0.95) == (one, False)
    assert lowest_above(scores, lambda which, _: which == three) == (three, True), "a percentile is of the architecture"


@pytest.mark.parametrize(
    ("again", "chosen"),
    [
        ([0.80, 0.82], (0, True)),  # what is lowest keeps the floor with every seed
        ([0.70, 0.70], (1, True)),  # it was luck: the next one is confirmed, too
        ([np.nan, 0.82], (0, True)),  # one that fails says nothing
    ],
)
def test_a_choice_counts_when_it_was_trained_with_every_seed(again: list[float], chosen: tuple[int, bool]) -> None:
    one, two = (Architecture("locking_macro", f"0000000000{digit}") for digit in range(2))
    by_seed = {one: [np.array([0.81, 0.1])], two: [np.array([0.9, 0.5])]}
    asked = []

    def further(architecture: Architecture) -> list[np.ndarray]:
        asked.append(architecture)
        return [np.array([source, 0.1]) for source in (again if architecture == one else [0.9, 0.9])]

    best, keeps = confirmed(by_seed, further, lambda _, reached: reached >= 0.78)
    assert (best, keeps) == ((one, two)[chosen[0]], chosen[1])
    assert asked == [one, two][: chosen[0] + 1], "nothing is trained for nothing"
    assert confirmed({}, further, lambda *_: True) == (None, False)


def test_it_has_the_plan_of_the_run_and_no_more(tmp_path: Path) -> None:
    config = tiny_config(arms=("nsga2",), space="transnas101_micro", evidence="rehearsal", shots=(2,), fractions=())
    run = tiny_begin(tmp_path / "run", replace(config, attack_seeds=2))
    decision = decide(run)
    found = find_rival(run, decision)
    assert found.finalist is not None
    short, full = evidence_tasks(run.source, run.targets, run.allocation, run.config), full_tasks(run, run.targets)
    measured = {one.key for one in found.trainings}

    def trained(tasks: EvidenceTasks, seed: int) -> set[Architecture]:
        return {one for one in found.tried if measured.issuperset(tasks.keys(one, seed))}

    assert len(trained(short, 0)) == run.allocation.candidates
    assert len(trained(full, 0) - set(decision.shared)) <= run.allocation.finalists
    assert found.finalist.architecture in trained(full, 1)
    assert len(found.finalist.source_scores) == run.config.attack_seeds
    assert set(decision.shared) <= set(found.tried), "what is trained already, it sees as the lock does"
    assert found.finalist.architecture in found.tried
    assert set(found.finalist.per_target) == set(run.targets)
    assert {one.key.task for one in found.trainings} <= set(known_fingerprints(run))
    assert set(found.tried) <= set(decision.candidates.architectures)
    least = decision.source_only.source_validation - config.floor.value
    assert found.keeps_floor == (found.finalist.source_validation >= least)
    noted = Noted()
    again = replace(run, resources=replace(run.resources, progress=noted))
    assert find_rival(again, decide(again)).finalist == found.finalist
    assert all(total == done for _, total, done in noted.stages), noted.stages


def test_it_needs_targets_and_trainings() -> None:
    with pytest.raises(ConfigurationError, match="the arm nsga2 trades the source for targets"):
        tiny_config(arms=("nsga2",), scheme="s")
    with pytest.raises(ConfigurationError, match="the arm nsga2 trades the source for targets"):
        tiny_config(arms=("nsga2",), evidence="zero_cost")


@pytest.mark.parametrize("space", list(SPACES))
def test_a_space_that_it_cannot_breed_is_refused_at_once(space: str) -> None:
    if levels_of_places(SPACES[space]):
        assert tiny_config(arms=("nsga2",), space=space).arms == ("nsga2",)
        return
    with pytest.raises(ConfigurationError, match="has codes of several lengths; take another arm"):
        tiny_config(arms=("nsga2",), space=space)


def test_its_first_generation_is_drawn_from_what_recorded_trainings_call_better(tmp_path: Path) -> None:
    def standings(*, lessons: bool) -> np.ndarray:
        config = tiny_config(arms=("nsga2",), space="locking_macro", lessons=lessons)
        run = tiny_begin(tmp_path / f"run {lessons}", config)
        candidates = candidates_of_space(SPACES["locking_macro"], seed=0, most=300)
        said = source_lesson(SPACES["locking_macro"], candidates.architectures)
        decision: Any = SimpleNamespace(candidates=candidates, lesson=said if lessons else None)
        first = set(rival._strategy(run, decision).ask())
        order = np.argsort(np.argsort(said.scores)) / len(said.scores)
        return np.array([order[row] for row, one in enumerate(candidates.architectures) if one in first])

    assert standings(lessons=True).min() > 0.5
    assert standings(lessons=False).min() < 0.5


def test_where_every_training_fails_nothing_is_released_and_all_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(arms=("nsga2",), space="transnas101_micro")
    run = tiny_begin(tmp_path / "run", config)
    decision = decide(run)

    def failing(jobs: Sequence[tuple[Architecture, int]], tasks: EvidenceTasks, **_: object) -> dict[Key, Measurement]:
        keys = [key for one, seed in jobs for key in tasks.keys(one, seed)]
        return {key: Measurement(key, np.nan, "accuracy", 1.0, "failed") for key in keys}

    monkeypatch.setattr(rival, "gather", failing)
    found = train_arms(run, decision)
    assert found.released == {}
    short = evidence_tasks(run.source, run.targets, run.allocation, run.config)
    shown = {one for one in found.tried if set(short.keys(one, 0)) <= {m.key for m in found.trainings}}
    assert len(shown) == run.allocation.candidates
    assert set(found.tried) == shown | set(decision.shared)
    assert {one.status for one in found.trainings} == {"failed"}
