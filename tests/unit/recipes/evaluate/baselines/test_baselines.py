"""Ordinary methods, on a made-up table whose structure is known: what they buy, and that they find what is there."""

import numpy as np
import pytest

from archlock.errors import SearchError
from archlock.recipes.evaluate.baselines.candidates import candidates_of
from archlock.recipes.evaluate.baselines.direct import EvolutionOnEvidence, RandomFinalists
from archlock.recipes.evaluate.baselines.passive import PassiveFewShot
from archlock.recipes.evaluate.baselines.proxies_only import ProxyVote, SingleProxy
from archlock.recipes.evaluate.baselines.verifying import assisted_standing, choose, matched_standing, relative_values
from archlock.tables import Allowance, Pick, Spent, open_pair, percentiles
from made_up_tables import made_up_table

TABLE = made_up_table(codes=400)
SHORT = made_up_table(codes=400, short=True)


def run(method, scheme="tk", table=TABLE, allowance=None, seed=0, floor=0.9):
    evidence, truth = open_pair(table, "t0", "t1", scheme=scheme, allowance=allowance or Allowance(60, 20))
    chosen = method(evidence, floor=floor, seed=seed)
    return chosen, evidence.spent, truth.judge(Pick(chosen, seed))


@pytest.mark.parametrize("preference", ["score_model", "ridge"])
@pytest.mark.parametrize("table", [TABLE, SHORT], ids=["full", "short"])
def test_a_known_target_is_locked_below_chance(preference, table):
    source, target = (percentiles(table.scores(table.truth(task))) for task in ("t0", "t1"))
    chance = target[source >= 90].mean()
    found = [run(PassiveFewShot(preference), table=table, seed=seed)[2] for seed in range(4)]
    assert np.mean([one.target_percentile for one in found]) < chance - (5 if table is SHORT else 10)
    assert np.mean([one.source_percentile for one in found]) > 88


@pytest.mark.parametrize("method", [PassiveFewShot("ridge"), RandomFinalists(), EvolutionOnEvidence()])
def test_source_only_finds_one_of_the_best(method):
    assert run(method, "s")[2].source_percentile > 95


def test_what_is_bought_is_what_the_allowance_names():
    _, spent, _ = run(PassiveFewShot("ridge"), "tu", SHORT)
    assert (spent.short, spent.source_full, spent.surrogate_full) == (120, 20, 20)
    _, spent, _ = run(PassiveFewShot("ridge"), "tu", allowance=Allowance(30, 0))
    assert spent == Spent(source_full=30, surrogate_full=30)
    _, spent, _ = run(RandomFinalists(), "tk")
    assert spent == Spent(source_full=80, target_full=80)
    _, spent, _ = run(EvolutionOnEvidence(), "tu")
    assert 27 < spent.source_full == spent.surrogate_full <= 80  # it also meets what is not in the table
    _, spent, _ = run(ProxyVote(), "tu", allowance=Allowance(0, 0))
    assert (spent.source_full, spent.surrogate_full, spent.short) == (0, 0, 0)
    _, spent, _ = run(ProxyVote(verify=True), "tu", allowance=Allowance(0, 7))
    assert (spent.source_full, spent.surrogate_full) == (7, 0)


def test_a_margin_keeps_the_floor_more_often():
    bold, shy = (
        np.mean([run(PassiveFewShot("ridge", margin=m), seed=s)[2].source_percentile for s in range(4)])
        for m in (-0.1, 0.05)
    )
    assert shy > bold


def test_a_single_proxy_takes_the_lowest_that_keeps_the_predicted_floor():
    evidence, _ = open_pair(TABLE, "t0", "t1", scheme="tk")
    chosen = SingleProxy("nwot")(evidence, floor=0.9, seed=0)
    source, target = (TABLE.scores(TABLE.column(f"nwot_{task}")) for task in ("t0", "t1"))
    kept = np.flatnonzero(percentiles(source) >= 90)
    assert chosen == TABLE.architectures[int(kept[np.argmin(target[kept])])]
    sized = SingleProxy("params")(open_pair(TABLE, "t0", "t1", scheme="s")[0], floor=0.9, seed=0)
    cost = TABLE.space.relative_cost(TABLE.architectures)
    assert TABLE.space.relative_cost([sized])[0] == cost.max()


def test_too_few_proxies_are_an_error():
    with pytest.raises(SearchError, match="needs recorded proxies on t0 and on one of t1; the table has some on no"):
        run(SingleProxy("zen"))
    with pytest.raises(SearchError, match=r"at least 10 per task; .* provide 4"):
        run(PassiveFewShot(), allowance=Allowance(4, 10))


def test_matched_standing_gives_the_best_value_the_highest_prediction():
    found = matched_standing(np.array([3.0, 9.0, 5.0]), np.array([0.9, 0.7, 0.8]))
    assert found.tolist() == [0.7, 0.9, 0.8]


def test_assisted_standing_is_near_the_truth():
    evidence, _ = open_pair(TABLE, "t0", "t1", scheme="s")
    candidates = candidates_of(evidence)
    values = TABLE.scores(TABLE.truth("t0"))[[TABLE.positions[one.code] for one in candidates.architectures]]
    rng = np.random.default_rng(0)
    predicted = values + rng.normal(0, 1, len(values))
    drawn = rng.choice(len(values), 100, replace=False)
    finalists = np.argsort(-predicted)[:30]
    found = assisted_standing(
        candidates,
        finalists,
        values[finalists],
        sampled=drawn,
        sample=values[drawn],
        left_out=predicted[drawn],
        predicted=predicted,
    )
    truth = candidates.percentiles(values)[finalists]
    assert np.abs(found - truth).mean() < 0.03


def test_the_choice_is_the_lowest_that_keeps_the_floor_else_the_highest():
    names = TABLE.architectures[:3]
    standings, against = np.array([0.95, 0.99, 0.5]), np.array([0.4, 0.6, 0.1])
    assert choose(names, standings, against, 0.9) == names[0]
    assert choose(names, standings, against, 0.97) == names[1]
    assert choose(names, standings, against, 1.0) == names[1]


def test_relative_values_are_mean_ranks_among_all_that_is_known():
    found = relative_values([np.array([1.0, 5.0]), np.array([9.0, 2.0])], [np.array([0.0, 3.0, 7.0]), np.array([])])
    np.testing.assert_allclose(found, [(0.25 + 1) / 2, (0.75 + 0) / 2])
