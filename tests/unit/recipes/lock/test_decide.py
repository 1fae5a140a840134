"""The decision from made-up trainings: who is asked for what, what the floor counts from, and what is chosen."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archlock.errors import RunError
from archlock.preferences import source_lesson
from archlock.recipes.engine.asked import Found
from archlock.recipes.engine.beliefs import TaskBelief
from archlock.recipes.engine.lock_search import LockSearch
from archlock.recipes.engine.market import Candidates, Market, candidates_among, candidates_of_space
from archlock.recipes.lock import decide as deciding
from archlock.recipes.lock import live_market, zero_cost
from archlock.recipes.lock.decide import ALLOWANCES, Decision, decide
from archlock.recipes.lock.lessons import LESSON, lesson_in_words
from archlock.recipes.lock.run import Run
from archlock.recipes.workspace import CHOICE
from archlock.records import read_json, write_json
from archlock.search import Belief, SourceFloor
from archlock.spaces import SPACES, Architecture
from made_up_trainings import MadeUpTrainings, luck
from tiny_runs import Noted, tiny_begin, tiny_config

SPACE = SPACES["transnas101_micro"]
SHORT, FULL = "short trainings", "finalists, trained at full size"
SOURCE_ONLY = " (source only)"
FLOOR = SourceFloor("accuracy_loss", 0.05)


def ordinary(a: Architecture, task: str, measure: str, seed: int) -> float:
    """More convolutions are better everywhere; some codes are worse elsewhere than on the source."""
    convolutions = sum(digit in "23" for digit in a.code) / len(a.code)
    on_source = 0.55 + 0.35 * convolutions + 0.01 * luck(a.code, task, seed)
    return on_source if task == "source" else on_source - 0.25 - 0.2 * (a.code[-1] == "1")


def never_adapted(a: Architecture, task: str, measure: str, seed: int) -> float:
    """The best on the source cannot be adapted: trainings on targets fail."""
    value = ordinary(a, task, measure, seed)
    return value if task == "source" or ordinary(a, "source", "", 0) < 0.84 else math.nan


def made(path: Path, **changes: Any) -> Run:
    settings = {"space": SPACE.name, "floor": FLOOR, "attack_seeds": 3, **changes}
    return replace(tiny_begin(path, tiny_config(**settings)))


@pytest.fixture(autouse=True)
def few_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Architectures drawn from the space, so that beliefs of all are quickly had."""
    monkeypatch.setattr(deciding, "candidates_of_space", partial(candidates_of_space, most=400))


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> MadeUpTrainings:
    return using(monkeypatch, MadeUpTrainings(ordinary))


def using(monkeypatch: pytest.MonkeyPatch, trainings: MadeUpTrainings) -> MadeUpTrainings:
    monkeypatch.setattr(live_market, "gather", trainings)
    return trainings


def told(decision: Decision) -> tuple[Any, ...]:
    """All of a decision, without the time at which it was made, such that == means bit for bit."""
    return (
        replace(decision.choice, decided_at="2025-01-01T00:00:00+00:00"),
        decision.locked,
        decision.source_only,
        decision.finalists,
        decision.source.mean.tobytes(),
        decision.source.std.tobytes(),
        decision.threshold,
        decision.probability,
        decision.percentiles,
        decision.trade_off,
        decision.evidence,
    )


def test_the_search_without_targets_has_the_same_budget_and_never_sees_one(
    tmp_path: Path, trainings: MadeUpTrainings
) -> None:
    run = made(tmp_path / "run")
    decision = decide(run)
    for arm in ("", SOURCE_ONLY):
        assert len(trainings.trained(SHORT + arm)) == run.allocation.candidates == 8
        full = trainings.trained(FULL + arm)
        assert len(set(full)) == len(full)
        chosen = decision.source_only if arm else decision.locked
        confirmations = [one for one in full if one[1] > run.config.seed]
        shared = [] if arm else [one for one in full if one[0] in decision.shared and one not in confirmations]
        assert len(full) - len(confirmations) - len(shared) <= run.allocation.finalists == 4
        assert len(full) >= run.allocation.finalists
        assert {seed for a, seed in full if a == chosen.architecture} >= {0, 1, 2}
    for call in trainings.calls:
        assert call.targets == (() if SOURCE_ONLY in call.stage else ("rotation",)), call.stage
    assert decision.evidence == set(trainings.known), "all that was bought, and nothing else"


def test_the_search_against_targets_sees_what_the_other_one_trained_and_trains_none_of_it(
    tmp_path: Path, trainings: MadeUpTrainings
) -> None:
    decision = decide(made(tmp_path / "run"))
    assert decision.source_only.architecture in decision.shared
    by_architecture = {one.architecture: one for one in decision.finalists}
    for architecture in decision.shared:
        assert by_architecture[architecture].per_target, "its gains are known"
    asked = [call for call in trainings.calls if call.stage == FULL]
    assert [architecture for architecture, _ in asked[0].jobs] == list(decision.shared)
    earlier = trainings.calls[: trainings.calls.index(asked[0])]
    trained = {job for call in earlier if call.stage == FULL + SOURCE_ONLY for job in call.jobs}
    assert set(asked[0].jobs) <= trained, "the other one has trained all of it"
    low = [a for a, _ in trainings.trained(FULL + SOURCE_ONLY) if a not in decision.shared]
    assert all(decision.source.mean[decision.candidates.architectures.index(a)] < decision.threshold for a in low)


def test_the_first_trainings_of_both_searches_are_bought_once(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    decide(made(tmp_path / "run"))
    first = next(call for call in trainings.calls if call.stage == SHORT)
    same = next(call for call in trainings.calls if call.stage == SHORT + SOURCE_ONLY)
    assert same.jobs == first.jobs
    assert len(same.jobs) == 4
    assert (first.new, same.new) == (4, 0)


def test_choices_are_confirmed_with_every_seed_on_source_and_targets(
    tmp_path: Path, trainings: MadeUpTrainings
) -> None:
    decision = decide(made(tmp_path / "run"))
    assert len(decision.source_only.source_scores) >= 3
    assert len(decision.locked.source_scores) >= 3
    confirmed = {seed for a, seed in trainings.trained(FULL) if a == decision.locked.architecture}
    assert confirmed >= {0, 1, 2}, "by the search that adapts what it trains"
    gains = [ordinary(decision.locked.architecture, "rotation", "", seed) for seed in sorted(confirmed)]
    assert decision.locked.per_target == {"rotation": pytest.approx(np.mean(gains))}
    assert decision.locked.target_gain < decision.source_only.source_validation - 0.25


def test_the_floor_counts_from_the_source_only_choice_and_is_as_uncertain(
    tmp_path: Path, trainings: MadeUpTrainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[LockSearch] = []

    def spy(search: LockSearch, market: Market, *, confirmed: int) -> None:
        seen.append(search)
        assert confirmed == 3
        assert (search.reference is None) == (not market.others), "it is known before the lock search goes on"
        spend(search, market, confirmed=confirmed)

    spend = deciding.spend
    monkeypatch.setattr(deciding, "spend", spy)
    decision = decide(made(tmp_path / "run"))
    without, against = seen
    found = without.found()
    assert found.architecture == decision.source_only.architecture
    assert against.reference == (found.source.mean[found.row], found.source.std[found.row])
    floor = against.found().floor
    assert floor is not None
    assert floor.mean[0] == pytest.approx(found.source.mean[found.row] - FLOOR.value)
    assert floor.std[0] == found.source.std[found.row] > 0
    assert decision.threshold == pytest.approx(float(floor.mean[0]))
    assert np.array_equal(decision.source.mean, found.source.mean)


def test_a_lock_likelier_to_miss_the_floor_than_to_keep_it_becomes_the_source_only_one_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    using(monkeypatch, MadeUpTrainings(never_adapted))
    run, noted = made(tmp_path / "run", floor=SourceFloor("accuracy_loss", 0.01)), Noted()
    decision = decide(replace(run, resources=replace(run.resources, progress=noted)))
    assert decision.probability < 0.5
    assert decision.locked is decision.source_only
    assert decision.choice.architecture == str(decision.source_only.architecture)
    assert noted.lines[-1].endswith("No lock was found that is likelier to keep the source floor than to miss it")


def test_a_lock_that_keeps_the_floor_is_said_to(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    run, noted = made(tmp_path / "run", floor=SourceFloor("accuracy_loss", 0.3)), Noted()
    decision = decide(replace(run, resources=replace(run.resources, progress=noted)))
    assert decision.probability >= 0.5
    assert decision.locked.architecture != decision.source_only.architecture
    assert f"the floor is kept with probability {decision.probability:.2f}" in noted.lines[-1]


def test_scheme_s_is_one_search_with_the_same_budget(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    decision = decide(made(tmp_path / "run", scheme="s"))
    assert {call.stage for call in trainings.calls} == {SHORT, FULL}
    assert {call.targets for call in trainings.calls} == {()}
    assert len(trainings.trained(SHORT)) == 8
    assert decision.locked is decision.source_only
    assert len(decision.locked.source_scores) >= 3
    assert (decision.probability, decision.trade_off) == (1.0, ())

    twin = MadeUpTrainings(ordinary)
    with pytest.MonkeyPatch.context() as patched:
        using(patched, twin)
        other = decide(made(tmp_path / "tu"))
    assert other.source_only.architecture == decision.locked.architecture, "and the one that every other scheme makes"


def test_a_run_that_was_killed_decides_the_same_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = using(monkeypatch, MadeUpTrainings(ordinary))
    expected = decide(made(tmp_path / "whole"))
    for after in range(0, len(whole.calls), 3):
        run = made(tmp_path / f"killed-{after}")
        killed = using(monkeypatch, MadeUpTrainings(ordinary, killed_after=after))
        with pytest.raises(KeyboardInterrupt):
            decide(run)
        again = using(monkeypatch, MadeUpTrainings(ordinary, known=killed.known))
        assert told(decide(run)) == told(expected), after
        assert sum(call.new for call in (*killed.calls, *again.calls)) == sum(call.new for call in whole.calls)


def test_a_run_that_now_decides_otherwise_than_it_wrote_down_stops(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    run = made(tmp_path / "run")
    decision = decide(run)
    written = tmp_path / "run" / CHOICE
    assert decide(run).choice == decision.choice, "the time is that of the first time"
    write_json(written, {**read_json(written), "architecture": f"{SPACE.name}:000001"})
    with pytest.raises(
        RunError, match=rf"says that the lock is {SPACE.name}:000001, seed 0, but the same run"
    ) as caught:
        decide(run)
    assert f"now comes to {decision.choice.architecture}, seed 0" in str(caught.value)
    assert "another version of torch" in str(caught.value)
    assert read_json(written)["architecture"] == f"{SPACE.name}:000001", "what was written stays"


class Foreteller:
    """A preference: convolutions are good on the source, ending in 1 is bad elsewhere."""

    tasks = ("source", "rotation")

    def scores(self, architectures: tuple[Architecture, ...]) -> np.ndarray:
        return np.array([[ordinary(a, task, "", 0) for a in architectures] for task in self.tasks])


def test_with_zero_cost_only_the_shortlist_is_trained_and_only_on_the_source(
    tmp_path: Path, trainings: MadeUpTrainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Architecture] = []

    def learned(*_: Any, architectures: list[Architecture], **__: Any) -> Foreteller:
        measured.extend(architectures)
        return Foreteller()

    monkeypatch.setattr(zero_cost, "learn_by_proxies", learned)
    run = made(tmp_path / "run", evidence="zero_cost")
    decision = decide(run)
    assert len(set(measured)) == run.allocation.candidates
    candidates = decision.candidates
    source, target = Foreteller().scores(candidates.architectures)
    said = zero_cost.foretell(run, candidates)
    for arm, foretold in ((SOURCE_ONLY, said.ordinary), (SOURCE_ONLY, said.lock)):
        assert len(foretold.first) == 2 * run.allocation.finalists, arm
    assert np.array_equal(np.sort(source[said.ordinary.first])[::-1], np.sort(source)[::-1][: len(said.ordinary.first)])
    assert said.ordinary.against is None
    assert said.lock.against is not None
    assert target[said.lock.first[0]] < np.quantile(target[said.ordinary.first], 0.2)
    assert {call.targets for call in trainings.calls} == {()}
    assert {call.stage for call in trainings.calls} == {FULL + SOURCE_ONLY}, "no short trainings"
    listed = {candidates.architectures[row] for one in (said.ordinary, said.lock) for row in one.first}
    trained = {a for call in trainings.calls for a, _ in call.jobs}
    assert trained <= listed
    assert {one.architecture for one in decision.finalists} == trained
    assert all(one.per_target == {} for one in decision.finalists)
    assert decision.trade_off == ()
    assert decision.evidence == set(trainings.known) | said.keys
    assert len({key.measure for key in said.keys}) == 7


def few(codes: tuple[str, ...], shares: tuple[float, ...]) -> Candidates:
    found = candidates_among(SPACE, [SPACE.architecture(code) for code in codes])
    return replace(found, shares=np.array(shares))


CODES = ("333333", "222222", "111333", "323232")


def test_percentiles_are_of_everything_that_candidates_stand_for() -> None:
    """A tenth of the space is connected to nothing and below all; each candidate is above those with a lower value."""
    candidates = few(CODES, (0.4, 0.1, 0.25, 0.15))
    found = deciding._percentiles(candidates, Belief(np.array([0.9, 0.5, 0.7, 0.8]), np.zeros(4)))
    expected = (0.1 + 0.1 + 0.25 + 0.15, 0.1, 0.1 + 0.1, 0.1 + 0.1 + 0.25)
    assert found == {a: pytest.approx(one) for a, one in zip(candidates.architectures, expected, strict=True)}


def test_the_trade_off_is_the_lowest_believed_at_every_loss() -> None:
    candidates = few(CODES, (0.25,) * 4)
    source = Belief(np.array([0.9, 0.896, 0.88, 0.7]), np.full(4, 0.1))
    first = Belief(np.array([0.8, 0.7, 0.5, 0.1]), np.full(4, 0.1))
    second = Belief(np.array([0.6, 0.5, 0.3, 0.1]), np.full(4, 0.1))
    beliefs = tuple(TaskBelief(one, 0.0) for one in (source, first, second))
    against = Belief((first.mean + second.mean) / 2, np.full(4, 0.1))
    rows = np.arange(2)
    found = Found(0, candidates.architectures[0], 1.0, None, source, against, beliefs, rows, rows)
    points = deciding._trade_off(found, candidates)
    names = [candidates.architectures.index(SPACE.architecture(point.code)) for point in points]
    assert dict(zip([point.source_loss for point in points], names, strict=True)) == dict(
        zip(ALLOWANCES, [0, 0, 1, 1, 2, 2, 2], strict=True)
    )
    last = points[-1]
    assert (last.source_validation, last.target_gain) == (0.88, pytest.approx(0.4))
    assert last.taken_away == pytest.approx(0.7 - 0.4)
    assert all(point.estimated for point in points)


def test_a_lock_shows_what_each_loss_of_accuracy_would_buy(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    decision = decide(made(tmp_path / "run"))
    points = decision.trade_off
    assert [point.source_loss for point in points] == sorted(set(ALLOWANCES) & {p.source_loss for p in points})
    assert (points[0].source_loss, points[0].taken_away) == (0.0, 0.0)
    assert points[-1].target_gain < points[0].target_gain


def test_a_space_too_large_to_be_gone_through_is_sampled(
    tmp_path: Path, trainings: MadeUpTrainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enumerated(space: object) -> None:
        pytest.fail(f"{space} is too large to be gone through")

    monkeypatch.setattr(type(SPACE), "enumerate", enumerated)
    decision = decide(made(tmp_path / "run"))
    assert 100 < len(decision.candidates.architectures) <= 400 < len(SPACE)
    assert decision.percentiles.keys() == set(decision.candidates.architectures)
    assert decision.locked.architecture in decision.percentiles


def test_decisions_of_one_seed_are_equal_and_those_of_another_are_not(
    tmp_path: Path, trainings: MadeUpTrainings
) -> None:
    first, twin, other = (decide(made(tmp_path / name, seed=seed)) for name, seed in (("a", 0), ("b", 0), ("c", 1)))
    assert told(first) == told(twin)
    assert {one.architecture for one in first.finalists} != {one.architecture for one in other.finalists}


def test_recorded_trainings_say_where_to_begin_and_who_taught(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    noted = Noted()
    run = made(tmp_path / "run", space="locking_macro", lessons=True)
    decision = decide(replace(run, resources=replace(run.resources, progress=noted)))
    lesson = decision.lesson
    assert lesson is not None
    assert any("transfer_macro, transfer_macro100" in line for line in noted.lines)
    scores = dict(zip(decision.candidates.architectures, lesson.scores.tolist(), strict=True))
    first = next(call for call in trainings.calls if call.stage == SHORT)
    assert all(scores[one] > np.quantile(lesson.scores, 0.5) for one, _ in first.jobs)


def test_nobody_is_taught_who_did_not_ask(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    run = made(tmp_path / "run", space="locking_macro")
    assert decide(run).lesson is None
    assert not (run.workspace.path / LESSON).exists()


def test_a_run_that_is_taken_up_is_taught_as_before_or_refused(tmp_path: Path, trainings: MadeUpTrainings) -> None:
    run = made(tmp_path / "run", space="locking_macro", lessons=True)
    once = decide(run)
    assert decide(run).choice == once.choice
    path = run.workspace.path / LESSON
    write_json(path, {**read_json(path), "recorded": 3})
    with pytest.raises(RunError, match="are others than those of this version"):
        decide(run)


def test_it_is_said_that_the_recorded_trainings_are_on_the_owners_own_data(
    tmp_path: Path, trainings: MadeUpTrainings
) -> None:
    run = made(tmp_path / "run", space="locking_macro", lessons=True)
    lesson = source_lesson(SPACES["locking_macro"], [SPACES["locking_macro"].sample(np.random.default_rng(0))])
    assert "this very source" not in lesson_in_words(run, lesson)
    own = replace(run, source=replace(run.source, name="cifar10_full"))
    assert "this very source" in lesson_in_words(own, lesson)
