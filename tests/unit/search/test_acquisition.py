"""What a measurement is worth: against simulation, and by hand where it can be worked out."""

import numpy as np
import pytest
from scipy.stats import norm

from archlock.errors import SearchError
from archlock.search import Belief, Noise, worth_of_measuring

DRAWS = 400_000


def one(mean: float, std: float) -> Belief:
    return Belief(np.array([float(mean)]), np.array([float(std)]))


def worth(source: Belief, target: Belief, noise: Noise, **more: object) -> float:
    settings = {"floor": None, "sure": 0.75, "best": None, **more}
    return float(worth_of_measuring(source, target, noise, **settings)[0][0])


def after(belief: Belief, noise: float, count: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Means after so many measurements, by simulating them, and the deviation that is left (Bayes with a normal)."""
    mean, std = belief.mean[0], belief.std[0]
    truth = mean + std * rng.standard_normal(DRAWS)
    seen = truth + noise / np.sqrt(count) * rng.standard_normal(DRAWS)
    if noise == 0:
        return seen, 0.0
    precision = 1 / std**2 + count / noise**2
    return (mean / std**2 + seen * count / noise**2) / precision, float(np.sqrt(1 / precision))


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("noise", [Noise(0.0, 0.0), Noise(0.4, 0.6), Noise(0.4, 0.0), Noise(2.0, 0.1)])
def test_it_is_the_expected_improvement_of_what_would_be_chosen(noise: Noise, count: int) -> None:
    """Measure, believe, and choose if it is sure enough to keep an uncertain floor and better than the best."""
    source, target, floor = one(0.3, 0.5), one(1.1, 0.7), one(0.1, 0.2)
    rng = np.random.default_rng(0)
    source_mean, source_std = after(source, noise.source, count, rng)
    target_mean, _ = after(target, noise.target, count, rng)
    sure = norm.cdf((source_mean - floor.mean) / np.sqrt(source_std**2 + floor.std**2)) >= 0.75
    gain = np.where(sure, np.maximum(1.0 - target_mean, 0), 0).mean() / count
    found = worth(source, target, noise, floor=floor, best=1.0, repeats=(count,))
    assert np.exp(found) == pytest.approx(gain, rel=0.02)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_without_a_best_it_is_the_probability_of_being_sure(noise: float) -> None:
    source, floor = one(0.3, 0.5), one(0.4, 0.2)
    mean, std = after(source, noise, 1, np.random.default_rng(1))
    sure = norm.cdf((mean - floor.mean) / np.sqrt(std**2 + floor.std**2)) >= 0.75
    for target in (one(0.0, 1.0), one(9.0, 1.0)):  # the target does not matter yet
        found = worth(source, target, Noise(noise, 0.3), floor=floor)
        assert np.exp(found) == pytest.approx(sure.mean(), rel=0.02)


def test_without_noise_and_doubt_it_is_the_textbook_formula() -> None:
    source, target = one(0.3, 0.5), one(1.1, 0.7)
    ratio = (1.0 - 1.1) / 0.7
    improvement = 0.7 * (ratio * norm.cdf(ratio) + norm.pdf(ratio))
    kept = norm.cdf((0.3 - 0.6) / 0.5)
    assert np.exp(worth(source, target, Noise(0, 0), best=1.0)) == pytest.approx(improvement)
    assert np.exp(worth(source, target, Noise(0, 0), floor=one(0.6, 0), best=1.0)) == pytest.approx(kept * improvement)


def test_a_doubtful_floor_has_to_be_kept_by_more() -> None:
    source, target = one(1.0, 0.1), one(0.0, 1.0)
    found = [worth(source, target, Noise(0, 0), floor=one(0.9, std), best=0.0) for std in (0.0, 0.1, 0.3)]
    assert found == sorted(found, reverse=True)
    half = [worth(source, target, Noise(0, 0), floor=one(0.9, std), best=0.0, sure=0.5) for std in (0.0, 0.3)]
    assert half[0] == pytest.approx(half[1]), "at even odds the doubt does not count"


def test_a_floor_that_is_surely_kept_is_no_floor() -> None:
    source, target = one(5.0, 0.1), one(0.3, 0.4)
    free, floored = (worth(source, target, Noise(0.1, 0.2), floor=floor, best=0.0) for floor in (None, one(0.0, 0.1)))
    assert floored == pytest.approx(free)


def test_noise_makes_a_measurement_worth_less_and_without_end_nothing() -> None:
    source, target = one(0.0, 1.0), one(0.0, 1.0)
    found = [worth(source, target, Noise(0, noise), best=0.0) for noise in (0.0, 0.5, 1.0, 10.0)]
    assert np.exp(found[0]) == pytest.approx(norm.pdf(0))
    assert np.exp(found[2]) == pytest.approx(norm.pdf(0) / np.sqrt(2)), "as noisy as it is unknown: half the variance"
    assert found == sorted(found, reverse=True)
    assert np.exp(found[-1]) < 0.1 * np.exp(found[0])


def test_repeats_are_bought_where_one_measurement_says_too_little() -> None:
    """Just below the floor, with much noise: one training cannot make it sure, several can."""
    source, target = Belief(np.array([0.0, 3.0]), np.ones(2)), Belief(np.zeros(2), np.ones(2))
    settings = {"floor": one(1.5, 0.05), "sure": 0.9, "best": 0.0, "repeats": (1, 2, 4)}
    both, times = worth_of_measuring(source, target, Noise(2.0, 0.0), **settings)
    assert times.tolist() == [4, 1]
    alone = [worth_of_measuring(source, target, Noise(2.0, 0.0), **{**settings, "repeats": (n,)})[0] for n in (1, 2, 4)]
    np.testing.assert_allclose(both, np.max(alone, axis=0))
    _, exact = worth_of_measuring(source, target, Noise(0.0, 0.0), **settings)
    assert exact.tolist() == [1, 1], "what shows everything at once is not repeated"


def test_many_at_once_are_judged_as_each_alone() -> None:
    rng = np.random.default_rng(2)
    source, target = (Belief(rng.standard_normal(30), rng.uniform(0.1, 1, 30)) for _ in range(2))
    settings = {"floor": one(0.2, 0.1), "sure": 0.75, "best": -0.3, "repeats": (1, 2, 4)}
    found, times = worth_of_measuring(source, target, Noise(0.3, 0.4), **settings)
    for row in range(30):
        rows = np.array([row])
        value, count = worth_of_measuring(source.take(rows), target.take(rows), Noise(0.3, 0.4), **settings)
        assert (found[row], times[row]) == (pytest.approx(value[0]), count[0])


def test_certain_and_hopeless_candidates_stay_comparable() -> None:
    """No NaN anywhere; what is certain to be better comes first, what is certain to miss the floor last."""
    source = Belief(np.array([2.0, 2.0, -2.0]), np.zeros(3))
    target = Belief(np.array([0.0, 5.0, -5.0]), np.zeros(3))
    found, _ = worth_of_measuring(source, target, Noise(0.1, 0.1), floor=one(1.0, 0.0), sure=0.75, best=1.0)
    assert not np.isnan(found).any()
    assert np.argsort(-found, kind="stable").tolist() == [0, 1, 2]
    assert np.exp(found[0]) == pytest.approx(1.0)


def test_the_unit_of_the_target_changes_no_order() -> None:
    rng = np.random.default_rng(3)
    source, target = (Belief(rng.standard_normal(30), rng.uniform(0.1, 1, 30)) for _ in range(2))
    larger = Belief(1000 * target.mean, 1000 * target.std)
    settings = {"floor": one(0.2, 0.1), "sure": 0.75, "repeats": (1, 2, 4)}
    found, times = worth_of_measuring(source, target, Noise(0.3, 0.4), best=-0.3, **settings)
    others, other_times = worth_of_measuring(source, larger, Noise(0.3, 400.0), best=-300.0, **settings)
    np.testing.assert_allclose(others - found, np.log(1000))
    assert times.tolist() == other_times.tolist()


def test_a_belief_is_born_valid() -> None:
    with pytest.raises(SearchError, match="got 2 means and 3 deviations"):
        Belief(np.zeros(2), np.zeros(3))
    for mean, std in ((np.nan, 1.0), (0.0, np.inf), (0.0, -1.0)):
        with pytest.raises(SearchError, match="one finite standard deviation, not negative"):
            one(mean, std)
