from dataclasses import replace

import numpy as np
import pytest

from archlock.adaptation import FINE_TUNE, PROBE, SOURCE, AdaptationSettings
from archlock.errors import SearchError
from archlock.evidence import Measurement
from archlock.recipes.lock.choosing import Finalist, choose, finalists_of
from archlock.recipes.lock.gathering import Subjects
from archlock.search import SourceFloor
from archlock.spaces import SPACES, Architecture
from archlock.training import Plan
from tiny_runs import tiny_source, tiny_target

ONE_POINT = SourceFloor("accuracy_loss", 0.01)


def finalist(code: str, source: float, *gains: float) -> Finalist:
    return Finalist(Architecture("nasbench201", code), (source,), {f"target {i}": gain for i, gain in enumerate(gains)})


BEST = finalist("333333", 0.98, 0.9, 0.7)
NEAR = finalist("333330", 0.975, 0.6, 0.6)
FAR = finalist("111113", 0.90, 0.1, 0.2)
PERCENTILES = {BEST.architecture: 1.0, NEAR.architecture: 0.9, FAR.architecture: 0.98}


def chosen(
    finalists: list[Finalist],
    floor: SourceFloor = ONE_POINT,
    *,
    ordinary: tuple[Finalist, ...] = (),
    **forecasts: float,
) -> tuple[Finalist, Finalist]:
    by_code = {f.architecture: forecasts.get(f"a{f.architecture.code}", 0.0) for f in finalists}
    candidates = [f.architecture for f in ordinary or finalists]
    return choose(finalists, candidates, floor, PERCENTILES, by_code)


def test_what_gives_least_away_above_the_floor_is_the_lock() -> None:
    assert chosen([FAR, NEAR, BEST]) == (NEAR, BEST)
    assert chosen([FAR, NEAR, BEST], SourceFloor("accuracy_loss", 0.1)) == (FAR, BEST)
    assert chosen([FAR, NEAR, BEST], SourceFloor("accuracy_loss", 0.0)) == (BEST, BEST)


def test_a_floor_in_percentiles_reads_what_was_predicted() -> None:
    assert chosen([FAR, NEAR, BEST], SourceFloor("percentile", 0.97)) == (FAR, BEST)
    assert chosen([FAR, NEAR, BEST], SourceFloor("percentile", 0.99)) == (BEST, BEST)


def test_the_source_only_architecture_keeps_every_floor() -> None:
    found = chosen([FAR, NEAR], SourceFloor("percentile", 1.0))
    assert found == (NEAR, NEAR)


def test_the_source_only_one_is_what_an_ordinary_search_would_have_trained() -> None:
    assert chosen([FAR, NEAR, BEST], ordinary=(NEAR, FAR)) == (NEAR, NEAR)
    lost = finalist("222222", 0.99)  # its training failed, so it is no finalist
    assert chosen([FAR, NEAR, BEST], ordinary=(lost,)) == (NEAR, BEST)


def test_equal_gains_go_to_the_better_source_accuracy() -> None:
    worse, better = finalist("111111", 0.971, 0.5), finalist("222222", 0.979, 0.5)
    for order in ([worse, better], [better, worse]):
        locked, _ = chosen([*order, finalist("333333", 0.98, 0.9)])
        assert locked is better


def test_an_adaptation_that_failed_is_not_a_gain_of_nothing() -> None:
    half, none = finalist("111111", 0.98, 0.1), finalist("222222", 0.98)
    assert chosen([half, none, NEAR, BEST]) == (NEAR, BEST)


def test_without_measured_gains_forecasts_decide() -> None:
    best, near, far = (finalist(f.architecture.code, f.source_validation) for f in (BEST, NEAR, FAR))
    assert chosen([best, near, far], a333333=0.5, a333330=0.2, a111113=-3.0) == (near, best)


def test_without_targets_the_lock_is_the_best_on_the_source() -> None:
    plain = [finalist("333333", 0.98), finalist("333330", 0.975)]
    assert chosen(plain) == (plain[0], plain[0])


def test_a_tie_in_everything_goes_to_the_source_only_one() -> None:
    equal = [finalist("111111", 0.98), finalist("222222", 0.98), finalist("333333", 0.97)]
    for order in (equal, equal[::-1]):
        locked, source_only = chosen(order)
        assert locked is source_only


def test_gains_are_averaged_over_targets() -> None:
    assert BEST.target_gain == pytest.approx(0.8)
    assert finalist("333333", 0.98).target_gain == 0.0


def subjects() -> Subjects:
    plan = Plan(1)
    return Subjects(tiny_source(), {"other": tiny_target()}, AdaptationSettings(4, 1, plan, plan), device="cpu")


def test_a_finalist_whose_training_failed_is_left_out_and_the_better_adaptation_counts() -> None:
    there = subjects()
    good, bad = (SPACES["nasbench201"].architecture(code) for code in ("333333", "111111"))
    keys = {(a, m): key for a in (good, bad) for (_, m), key in zip(there.wanted(), there.keys(a, 0), strict=True)}
    known = {
        keys[a, m]: Measurement(keys[a, m], value, "accuracy", 1.0, "valid" if np.isfinite(value) else "failed")
        for a, m, value in (
            (good, SOURCE, 0.9),
            (good, PROBE, 0.4),
            (good, FINE_TUNE, 0.3),
            (bad, SOURCE, np.nan),
            (bad, PROBE, np.nan),
            (bad, FINE_TUNE, np.nan),
        )
    }
    assert finalists_of([good, bad], there, known, seed=0) == (Finalist(good, (0.9,), {"other": 0.4}),)
    half = known | {keys[good, FINE_TUNE]: replace(known[keys[bad, FINE_TUNE]], key=keys[good, FINE_TUNE])}
    assert finalists_of([good], there, half, seed=0)[0].per_target == {"other": 0.4}
    with pytest.raises(SearchError, match="diverged for every finalist; look at the data or lower --width"):
        finalists_of([bad], there, known, seed=0)
