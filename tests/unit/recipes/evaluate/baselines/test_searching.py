"""Strategies that search recorded trainings themselves, and what comes along with one of them."""

from dataclasses import replace

import numpy as np
import pytest

from archlock.errors import ConfigurationError, SearchError, UnsupportedError
from archlock.recipes import chosen_contenders
from archlock.recipes.evaluate.baselines.searching import SearchOnEvidence
from archlock.tables import Allowance, Pick, Spent, open_pair, percentiles
from archlock.testing.recorded import check_recorded_method
from made_up_tables import made_up_table

TABLE = made_up_table(codes=400)
SHORT = made_up_table(codes=400, short=True)
NAMES = ("epnas", "differential_evolution", "regularised_evolution")


def run(strategy, scheme, table=SHORT, allowance=None, seed=0):
    evidence, truth = open_pair(table, "t0", "t1", scheme=scheme, allowance=allowance or Allowance(60, 20))
    chosen = SearchOnEvidence(strategy)(evidence, floor=0.9, seed=seed)
    return evidence.spent, truth.judge(Pick(chosen, seed))


@pytest.mark.parametrize("name", NAMES[1:])
def test_contract(name):
    for table in (TABLE, SHORT):
        check_recorded_method(SearchOnEvidence(name), table, allowance=Allowance(30, 8))
    check_recorded_method(SearchOnEvidence("epnas"), SHORT, schemes=("tk",), allowance=Allowance(24, 4))


@pytest.mark.parametrize("name", NAMES)
def test_it_spends_what_it_may_and_finds_one_of_the_best(name):
    """What is not in the table is never asked for, so the whole allowance buys trainings."""
    spent, judged = run(name, "s", allowance=Allowance(40, 0))
    assert spent == Spent(short=40)
    assert judged.source_percentile > 95
    if name != "epnas":
        assert run(name, "s", TABLE)[0] == Spent(source_full=80)
        assert 100 < run(name, "tk")[0].short <= 120


def test_against_a_target_it_locks_below_chance():
    source, target = (percentiles(TABLE.scores(TABLE.truth(task))) for task in ("t0", "t1"))
    found = [run("differential_evolution", "tk", TABLE, seed=seed)[1] for seed in range(3)]
    assert np.mean([one.target_percentile for one in found]) < target[source >= 90].mean() - 5
    assert np.mean([one.source_percentile for one in found]) > 85


def test_finalists_choose_by_their_full_training():
    spent, judged = run("random_sampling", "s", allowance=Allowance(40, 30))
    assert spent.source_full == 30
    assert judged.source_value >= run("random_sampling", "s", allowance=Allowance(40, 0))[1].source_value


def test_what_was_not_recorded_is_passed_over():
    values = SHORT.values.copy()
    values[:, ::2] = np.nan
    spent, _ = run("regularised_evolution", "s", replace(SHORT, values=values), Allowance(40, 10))
    assert spent.short == 40
    with pytest.raises(SearchError, match="there is nothing to decide from: no training could be bought"):
        run("epnas", "s", allowance=Allowance(0, 0))


def test_a_strategy_that_cannot_search_the_space_says_what_can():
    with pytest.raises(UnsupportedError, match=r"shgo is a reproduction for at most 5 variables, .* has 6: use"):
        run("shgo", "s")


def test_epnas_brings_its_ablations_random_sampling_and_evolution_along():
    for preference, prefix in ((None, "trainings"), ("ridge", "ridge")):
        found = chosen_contenders(("s", "tk"), strategy="epnas", preference=preference)
        assert [one.label for one in found if one.scheme == "s"] == [
            f"{prefix}+{name} s"
            for name in (
                "epnas",
                "epnas_without_policy",
                "epnas_without_predictor",
                "random_sampling",
                "regularised_evolution",
            )
        ]
    (alone,) = chosen_contenders(("s",), strategy="differential_evolution")
    assert (alone.label, alone.preference) == ("trainings+differential_evolution s", "none")
    (model,) = chosen_contenders(("s",), strategy="regularised_evolution")
    assert model.label == "score_model+regularised_evolution s"


def test_a_budget_that_ends_with_the_warm_up_is_refused():
    words = r"epnas foretells nothing before it has seen 16 trainings, and the budget has 16: allow more with --budget"
    with pytest.raises(ConfigurationError, match=words):
        chosen_contenders(("s",), strategy="epnas", allowance=Allowance(16, 40))
