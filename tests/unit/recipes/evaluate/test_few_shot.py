"""Our few-shot lock on made-up tables whose structure is known."""

import numpy as np
import pytest
from archlock.recipes.evaluate.few_shot import FewShot

from archlock.errors import SearchError
from archlock.tables import Allowance, Pick, Table, open_pair, percentiles
from made_up_tables import made_up_table

BUDGET = Allowance(40, 20)


def run(table: Table, scheme: str, *, seed: int = 0, method: FewShot | None = None, allowance: Allowance = BUDGET):
    evidence, truth = open_pair(table, "t0", "t1", scheme=scheme, allowance=allowance)
    chosen = (method or FewShot())(evidence, floor=0.9, seed=seed)
    return chosen, evidence.spent, truth.judge(Pick(chosen, seed))


@pytest.mark.parametrize("short", [False, True])
def test_a_known_target_is_locked_below_chance(short: bool) -> None:
    table = made_up_table(short=short)
    source, target = (percentiles(table.scores(table.truth(task))) for task in ("t0", "t1"))
    chance, lowest = target[source >= 90].mean(), target[source >= 90].min()
    found = [run(table, "tk", seed=seed)[2] for seed in range(4)]
    assert np.mean([one.target_percentile for one in found]) < chance - 0.4 * (chance - lowest)
    assert np.mean([one.source_percentile for one in found]) > 90


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


def test_structure_alone_needs_no_training_but_the_finalists() -> None:
    chosen, spent, _ = run(
        made_up_table(codes=800), "tu", method=FewShot(against="structure"), allowance=Allowance(0, 30)
    )
    assert (spent.short, spent.source_full, spent.target_full, spent.surrogate_full) == (0, 30, 0, 0)
    assert spent.proxy > 0
    assert made_up_table().space.shortest_path([chosen])[0] > 0


def test_the_same_seed_gives_the_same_architecture() -> None:
    table = made_up_table()
    assert run(table, "tk", seed=3)[0] == run(table, "tk", seed=3)[0]


def test_too_small_a_budget_is_an_error() -> None:
    with pytest.raises(SearchError, match="at least 10 full trainings per task; the allowance pays for 6"):
        run(made_up_table(), "tk", allowance=Allowance(4, 2))


def test_the_floor_is_kept_more_often_with_a_margin() -> None:
    table = made_up_table(codes=800)
    bold = [run(table, "tk", seed=s, method=FewShot(margin=-0.05))[2].source_percentile for s in range(5)]
    shy = [run(table, "tk", seed=s, method=FewShot(margin=0.05))[2].source_percentile for s in range(5)]
    assert np.mean(shy) > np.mean(bold)
