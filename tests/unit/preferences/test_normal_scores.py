import numpy as np
from scipy.stats import norm, rankdata

from archlock.preferences.normal_scores import Units, normal_scores


def test_normal_scores_are_quantiles_of_the_ranks():
    values = np.random.default_rng(0).integers(0, 9, 40).astype(float)
    expected = norm.ppf((rankdata(values) - 0.5) / 40)
    assert np.allclose(normal_scores(values), expected - expected.mean())


def test_constant_values_score_zero():
    assert normal_scores(np.full(7, 3.3)).tolist() == [0.0] * 7


def test_units_lead_back_to_the_values():
    values = np.random.default_rng(1).gamma(2.0, size=60)
    scores = normal_scores(values)
    mean, std = Units.of(scores, values).moments(scores, np.zeros(60))
    assert np.allclose(mean, values)
    assert np.allclose(std, 0)


def test_moments_of_a_linear_map_are_exact():
    scores = np.linspace(-9, 9, 200)
    mean, std = Units.of(scores, 5 + 2 * scores).moments(np.array([0.5]), np.array([0.7]))
    assert np.allclose([mean[0], std[0]], [6.0, 1.4])


def test_predictions_end_one_score_beyond_the_range():
    units = Units.of(np.array([-1.0, 0.0, 1.0]), np.array([10.0, 20.0, 40.0]))
    mean, _ = units.moments(np.array([1.5, 2.0, 9.0, -9.0]), np.zeros(4))
    assert np.allclose(mean, [50.0, 60.0, 60.0, 0.0])


def test_units_of_a_constant_column():
    mean, std = Units.of(np.zeros(5), np.full(5, 0.25)).moments(np.array([-3.0, 2.0]), np.ones(2))
    assert np.allclose(mean, 0.25)
    assert np.allclose(std, 0)
