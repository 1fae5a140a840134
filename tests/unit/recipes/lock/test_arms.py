"""The random architectures beside the lock: a fair lot above the floor, tried in turn, and what is never drawn."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlock.evidence import Key, Measurement
from archlock.ranking import rank_percentiles
from archlock.recipes.engine.market import described
from archlock.recipes.lock import arms
from archlock.recipes.lock.arms import DRAWS, Arms, ordinary_arms, train_arms
from archlock.recipes.lock.decide import Decision
from archlock.recipes.lock.finalists import Finalist
from archlock.recipes.lock.gathering import EvidenceTasks
from archlock.recipes.lock.release import Released
from archlock.recipes.lock.run import Run
from archlock.search import Belief, SourceFloor
from archlock.spaces import SPACES, Architecture
from archlock.tasks import Choice
from tiny_runs import tiny_begin, tiny_config

SPACE = SPACES["transnas101_micro"]
MANY = tuple(a for a in SPACE.enumerate() if SPACE.is_connected(a) and SPACE.simplify(a) == a)[:60]
LOCKED, PLAIN = MANY[3], MANY[50]
SIZES = {a: 1000 + 10 * place for place, a in enumerate(MANY)}
SOURCE = np.linspace(0.4, 0.99, 60)  # from the 41st on 0.8 or more


def drawn(
    seed: int = 0, *, threshold: float = 0.8, count: int = 60, **sizes: int
) -> dict[str, tuple[Architecture, ...]]:
    table = SIZES | {LOCKED: sizes.get("locked", SIZES[LOCKED])}
    return ordinary_arms(
        MANY[:count],
        SOURCE[:count],
        table.__getitem__,
        threshold=threshold,
        locked=LOCKED,
        excluded=(PLAIN,),
        rng=np.random.default_rng(seed),
    )  # type: ignore[return-value]


def test_what_is_drawn_is_believed_to_keep_the_floor_and_is_none_of_the_others() -> None:
    above = {a for a, value in zip(MANY, SOURCE, strict=True) if value >= 0.8}
    for seed in range(30):
        found = drawn(seed)
        assert set(found) == {"random", "same_size"}
        for tried in found.values():
            assert len(set(tried)) == len(tried) == DRAWS
            assert set(tried) <= above - {LOCKED, PLAIN}
        assert not set(found["random"]) & set(found["same_size"])
    assert drawn(4) == drawn(4)
    assert drawn(4) != drawn(5)


def test_every_architecture_above_the_floor_is_as_likely() -> None:
    """Chi-squared over the first draw of 2,000 lots: 19 others above the floor."""
    first = Counter(drawn(seed)["random"][0] for seed in range(2000))
    assert len(first) == 19
    expected = 2000 / 19
    assert sum((count - expected) ** 2 / expected for count in first.values()) < 42.3  # the 99.9 % point at 18 degrees


def test_the_same_size_is_within_a_tenth_in_the_order_of_the_lot_else_the_nearest() -> None:
    near = {a for a in MANY if abs(SIZES[a] - 1500) <= 150}
    firsts = {drawn(seed, locked=1500)["same_size"][0] for seed in range(200)}
    assert firsts <= near
    assert len(firsts) > 10, "by lot, and not always the very nearest"
    for seed in range(20):
        found = drawn(seed, locked=5000)
        left = [a for a in MANY[40:] if a not in (PLAIN, *found["random"])]
        assert list(found["same_size"]) == sorted(left, key=lambda a: -SIZES[a])[:DRAWS], "the largest are nearest"


def test_where_nothing_else_is_believed_to_keep_the_floor_the_best_believed_are_tried() -> None:
    found = drawn(threshold=2.0)
    best = set(MANY[-2 * DRAWS :])
    assert set(found["random"]) | set(found["same_size"]) == best
    assert drawn(count=4, threshold=0.0)["random"] != ()
    alone = ordinary_arms(
        (LOCKED, PLAIN), np.ones(2), SIZES.__getitem__, threshold=0.0, locked=LOCKED, excluded=(PLAIN,),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert alone == {"random": (), "same_size": ()}


def test_with_few_others_one_may_be_both() -> None:
    found = ordinary_arms(
        (LOCKED, PLAIN, MANY[5]), np.ones(3), SIZES.__getitem__, threshold=0.0, locked=LOCKED, excluded=(PLAIN,),
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert found == {"random": (MANY[5],), "same_size": (MANY[5],)}


def decision(run: Run, **more: Any) -> Decision:
    """A decision as it might have been, without anything trained; its best on the source has 0.9 there."""
    locked, source_only = Finalist(LOCKED, (0.89,), {}), Finalist(PLAIN, (0.9,), {})
    standing = rank_percentiles(SOURCE)
    floor = run.config.floor
    found = Decision(
        Choice.now(str(LOCKED), run.source, seed=0),
        locked,
        source_only,
        (locked, source_only),
        described(SPACE, MANY, np.full(len(MANY), 1 / len(MANY))),
        Belief(SOURCE, np.zeros(len(MANY))),
        float(0.9 - floor.value if floor.kind == "accuracy_loss" else SOURCE[standing >= floor.value].min()),
        0.9,
        dict(zip(MANY, standing.tolist(), strict=True)),
        (),
        frozenset(),
    )
    return replace(found, **more)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = tiny_config(
        space="transnas101_micro", arms=("random", "same_size"), floor=SourceFloor("accuracy_loss", 0.1)
    )
    return tiny_begin(tmp_path / "run", config)


class Trainings:
    """Stands in for training: the given source scores in turn (None: it diverged), and what was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scores: Sequence[float | None]) -> None:
        self.scores, self.asked = list(scores), list[tuple[str, tuple[Architecture, ...], tuple[int, ...]]]()
        self.known: dict[Key, Measurement] = {}
        monkeypatch.setattr(arms, "gather", self.gather)
        monkeypatch.setattr(arms, "release", self.release)

    def gather(
        self,
        jobs: Sequence[tuple[Architecture, int]],
        tasks: EvidenceTasks,
        *,
        resources: object,
        stage: str,
    ) -> dict[Key, Measurement]:
        assert tasks.targets == {}, "nothing is adapted to any target"
        architectures, seeds = (tuple(dict.fromkeys(column)) for column in zip(*jobs, strict=True))
        self.asked.append((stage, architectures, seeds))
        for job in jobs:
            (key,) = tasks.keys(*job)
            if key not in self.known:
                score = self.scores.pop(0) if self.scores else 0.85
                value, status = (np.nan, "failed") if score is None else (score, "valid")
                self.known[key] = Measurement(key, value, "accuracy", 1.0, status)  # type: ignore[arg-type]
        return self.known

    def release(self, run: Run, finalist: Finalist) -> Released:
        return Released(finalist, None, (), (finalist.source_validation,), (0.5,), 1.0)  # type: ignore[arg-type]


def test_the_first_draw_that_keeps_the_floor_is_taken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    trainings = Trainings(monkeypatch, [0.85, 0.79, None, 0.81])  # random keeps; same size misses, diverges, keeps
    found = train_arms(run, decision(run))
    first, second, third, last = trainings.asked
    assert [len(asked) for _, asked, _ in trainings.asked] == [2, 1, 1, 2]
    assert first[1][0] == found.released["random"].finalist.architecture
    assert third[1][0] == found.released["same_size"].finalist.architecture
    assert [one.keeps_floor for one in found.released.values()] == [True, True]
    assert found.tried == (*first[1], *second[1], *third[1])
    assert last[2] == (0,)
    assert len(found.trainings) == 4


def test_an_arm_that_misses_the_floor_with_every_draw_is_the_best_of_them_and_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings = Trainings(monkeypatch, [0.85, 0.5, 0.7, 0.6])
    found = train_arms(run, decision(run))
    same = found.released["same_size"]
    assert same.finalist.architecture == trainings.asked[1][1][0]
    assert same.finalist.source_validation == 0.7
    assert (same.keeps_floor, found.released["random"].keeps_floor) == (False, True)
    assert len(trainings.asked) == DRAWS + 1, "no fourth draw"


def test_an_arm_that_cannot_be_trained_is_left_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Trainings(monkeypatch, [None, 0.85, None, None])
    found = train_arms(run, decision(run))
    assert list(found.released) == ["same_size"]
    assert len(found.tried) == 4


def test_all_seeds_are_trained_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    trainings = Trainings(monkeypatch, [])
    found = train_arms(replace(run, config=replace(run.config, attack_seeds=3)), decision(run))
    assert trainings.asked[-1][2] == (0, 1, 2)
    assert len(found.trainings) == 2 * 3


def test_a_floor_in_percentiles_reads_what_was_predicted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Trainings(monkeypatch, [0.1, 0.1])
    kept = replace(run, config=replace(run.config, floor=SourceFloor("percentile", 0.7)))
    found = train_arms(kept, decision(kept))
    assert [one.keeps_floor for one in found.released.values()] == [True, True]
    percentiles = decision(kept).percentiles
    assert all(percentiles[a] >= 0.7 for a in found.tried)


def test_without_arms_nothing_is_trained(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    trainings = Trainings(monkeypatch, [])
    found = train_arms(replace(run, config=replace(run.config, arms=())), decision(run))
    assert (found.released, found.tried, found.trainings, trainings.asked) == ({}, (), (), [])
    assert isinstance(found, Arms)
    only = train_arms(replace(run, config=replace(run.config, arms=("same_size",))), decision(run))
    assert list(only.released) == ["same_size"]


def test_the_lot_is_drawn_from_the_seed_of_the_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(seed: int) -> tuple[Architecture, ...]:
        Trainings(monkeypatch, [])
        return train_arms(replace(run, config=replace(run.config, seed=seed)), decision(run)).tried

    assert tried(0) == tried(0)
    assert len({tried(seed) for seed in range(5)}) > 1
