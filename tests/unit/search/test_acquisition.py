import numpy as np
import pytest
from scipy.stats import norm

from archlock.errors import ConfigurationError, SearchError
from archlock.search import Belief, believed_quantile, next_candidates
from archlock.search.acquisition import improvement

RNG = np.random.default_rng(0)


def beliefs(number=50):
    return (Belief(RNG.standard_normal(number), RNG.uniform(0.1, 1, number)) for _ in range(2))


def test_improvement_agrees_with_simulation():
    source, target = Belief(np.array([0.3]), np.array([0.5])), Belief(np.array([1.1]), np.array([0.7]))
    draws = RNG.standard_normal((2, 400_000))
    kept = source.mean + source.std * draws[0] >= 0.6
    gain = np.maximum(1.0 - (target.mean + target.std * draws[1]), 0)
    assert np.isclose(np.exp(improvement(source, target, floor=0.6, best=1.0)[0]), (kept * gain).mean(), rtol=0.02)


def test_without_a_best_the_floor_comes_first():
    source, target = beliefs()
    expected = norm.logcdf((source.mean - 0.4) / source.std)
    assert np.allclose(improvement(source, target, floor=0.4, best=None), expected)


def test_certain_beliefs_and_hopeless_candidates_stay_finite_or_last():
    source = Belief(np.array([2.0, 2.0, -2.0]), np.zeros(3))
    target = Belief(np.array([0.0, 5.0, -5.0]), np.zeros(3))
    already = np.zeros(3, dtype=bool)
    chosen = next_candidates(source, target, floor=1.0, count=2, already=already, exploration=0.0, rng=RNG)
    assert sorted(chosen.tolist()) == [0, 1]


def test_best_first_then_explorers_never_measured_ones_never_twice():
    source, target = beliefs(200)
    already = RNG.random(200) < 0.3
    chosen = next_candidates(source, target, floor=0.5, count=20, already=already, exploration=0.25, rng=RNG)
    assert len(set(chosen.tolist())) == 20
    assert not already[chosen].any()
    best = float(target.mean[already & (source.mean >= 0.5)].min())
    promise = improvement(source, target, floor=0.5, best=best)
    promise[already] = -np.inf
    assert chosen[:15].tolist() == np.argsort(-promise)[:15].tolist()


def test_same_seed_same_choice():
    source, target = beliefs()
    one, two = (
        next_candidates(
            source,
            target,
            floor=0.0,
            count=9,
            already=np.zeros(50, bool),
            exploration=0.5,
            rng=np.random.default_rng(4),
        )
        for _ in range(2)
    )
    assert one.tolist() == two.tolist()


def test_fewer_left_than_asked_for():
    source, target = beliefs(5)
    already = np.array([True, False, True, False, True])
    assert next_candidates(source, target, floor=0.0, count=9, already=already, rng=RNG).tolist() == [1, 3]


def test_settings_that_make_no_sense():
    source, target = beliefs(5)
    with pytest.raises(ConfigurationError, match=r"got count=0, exploration=0.1"):
        next_candidates(source, target, floor=0.0, count=0, already=np.zeros(5, bool), rng=RNG)
    with pytest.raises(SearchError, match="got 2 means and 3 deviations"):
        Belief(np.zeros(2), np.zeros(3))


def test_believed_quantile_agrees_with_simulation():
    belief = Belief(RNG.standard_normal(40), RNG.uniform(0.1, 1, 40))
    draws = belief.mean + belief.std * RNG.standard_normal((20_000, 40))
    assert np.isclose(believed_quantile(belief, 0.97), np.quantile(draws, 0.97), atol=0.03)
    assert np.quantile(belief.mean, 0.97) < believed_quantile(belief, 0.97)


def test_quantile_of_certain_beliefs():
    certain = Belief(np.arange(101.0), np.zeros(101))
    assert believed_quantile(certain, 0.955) == pytest.approx(96, abs=1e-3)


def test_impossible_quantiles():
    with pytest.raises(ConfigurationError, match=r"got 1\.0 of 5"):
        believed_quantile(Belief(np.zeros(5), np.ones(5)), 1.0)
    with pytest.raises(ConfigurationError, match=r"got 0\.5 of 0"):
        believed_quantile(Belief(np.zeros(0), np.zeros(0)), 0.5)
