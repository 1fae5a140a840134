"""Our lock on made-up tables whose structure is known: the engine on a market of look-ups."""

import numpy as np
import pytest

from archlock.errors import SearchError
from archlock.recipes.engine.settings import EngineSettings
from archlock.recipes.engine.spending import search_lock
from archlock.recipes.evaluate.lock_method import LockMethod
from archlock.recipes.evaluate.recorded_market import RecordedMarket
from archlock.search import SourceFloor
from archlock.spaces import Architecture
from archlock.tables import Allowance, Judged, Pick, Spent, Table, open_pair, percentiles
from made_up_tables import made_up_table

BUDGET = Allowance(40, 20)


def run(
    table: Table, scheme: str, *, seed: int = 0, method: LockMethod | None = None, allowance: Allowance = BUDGET
) -> tuple[Architecture, Spent, Judged]:
    evidence, truth = open_pair(table, "t0", "t1", scheme=scheme, allowance=allowance, seed=seed)
    chosen = (method or LockMethod())(evidence, floor=0.9, seed=seed)
    return chosen, evidence.spent, truth.judge(Pick(chosen, seed))


@pytest.mark.parametrize("judge", [False, True])
@pytest.mark.parametrize("short", [False, True])
def test_a_known_target_is_locked_below_chance_at_the_floor(short: bool, judge: bool) -> None:
    """At even odds of keeping the floor the source is at the floor, no matter how the settings were tuned."""
    table, even = (
        made_up_table(short=short, judge=judge, noise=0.5),
        LockMethod(settings=EngineSettings(sure=0.5, floor_shift=0.25)),
    )
    source, target = (percentiles(table.scores(table.judge(task))) for task in ("t0", "t1"))
    chance, lowest = target[source >= 90].mean(), target[source >= 90].min()
    found = [run(table, "tk", seed=seed, method=even)[2] for seed in range(6)]
    assert np.mean([one.target_percentile for one in found]) < chance - 0.4 * (chance - lowest)
    assert np.mean([one.source_percentile for one in found]) == pytest.approx(90, abs=3)


@pytest.mark.parametrize("judge", [False, True])
def test_by_default_the_floor_is_kept_in_most_runs(judge: bool) -> None:
    table = made_up_table(judge=judge, noise=0.5)
    found = [run(table, "tk", seed=seed)[2].source_percentile for seed in range(8)]
    assert np.mean(np.array(found) >= 90) >= 0.75


def test_source_only_finds_one_of_the_best() -> None:
    assert run(made_up_table(), "s")[2].source_percentile > 98


@pytest.mark.parametrize("short", [False, True])
def test_an_unknown_target_is_never_looked_at(short: bool) -> None:
    _, spent, judged = run(made_up_table(short=short), "tu")
    assert spent.target_full == 0
    assert spent.surrogate_full == (20 if short else 60)
    assert spent.source_full == (20 if short else 60)
    assert spent.short == (80 if short else 0)
    assert judged.source_percentile > 80


def test_the_whole_allowance_is_spent_also_on_trainings_of_the_same() -> None:
    _, spent, _ = run(made_up_table(noise=2.0), "tk")
    assert (spent.source_full, spent.target_full) == (60, 60)


def test_structure_alone_buys_nothing_but_source() -> None:
    chosen, spent, _ = run(
        made_up_table(codes=800), "tu", method=LockMethod(against="structure"), allowance=Allowance(0, 30)
    )
    assert (spent.short, spent.source_full, spent.target_full, spent.surrogate_full) == (0, 30, 0, 0)
    assert spent.proxy > 0
    assert made_up_table().space.shortest_path([chosen])[0] > 0


def test_the_same_seed_gives_the_same_architecture() -> None:
    table = made_up_table(noise=1.0)
    assert run(table, "tk", seed=3)[:2] == run(table, "tk", seed=3)[:2]
    assert len({run(table, "tk", seed=seed)[0] for seed in range(4)}) > 1


def test_too_small_a_budget_is_an_error() -> None:
    with pytest.raises(SearchError, match="at least 4 full trainings per task; the budget pays for 3"):
        run(made_up_table(), "tk", allowance=Allowance(2, 1))


def test_the_floor_is_kept_more_often_by_those_who_are_surer() -> None:
    table = made_up_table(codes=800, noise=1.0)
    bold, sure = (
        [
            run(table, "tk", seed=seed, method=LockMethod(settings=EngineSettings(sure=share)))[2].source_percentile
            for seed in range(5)
        ]
        for share in (0.3, 0.95)
    )
    assert np.mean(sure) > np.mean(bold)


@pytest.mark.parametrize("scheme", ["s", "tk", "tu"])
def test_the_method_is_the_engine_on_the_recorded_market(scheme: str) -> None:
    table = made_up_table(noise=0.5)
    chosen, spent, _ = run(table, scheme, seed=5)
    evidence, _ = open_pair(table, "t0", "t1", scheme=scheme, allowance=BUDGET, seed=5)
    label = " ".join((evidence.source, *evidence.others))
    found = search_lock(RecordedMarket.of(evidence), SourceFloor("percentile", 0.9), seed=5, label=label)
    assert (found.architecture, evidence.spent) == (chosen, spent)
