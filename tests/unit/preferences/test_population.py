"""Standing against brute force and against a population that is known in full."""

import numpy as np

from archlock.preferences import Residuals, standing


def test_standing_of_a_fully_measured_population_is_its_share_below() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    none = Residuals(np.array([0.0]), np.array([0.0]))
    np.testing.assert_allclose(standing(np.array([2.5, 3.0, 9.0]), values, np.array([]), none), [0.5, 0.625, 1.0])


def test_standing_adds_noise_to_predictions() -> None:
    rng = np.random.default_rng(1)
    latent = rng.normal(size=4000)
    truth = latent + rng.normal(0, 0.7, 4000)
    drawn = rng.choice(4000, 150, replace=False)
    rest = np.setdiff1d(np.arange(4000), drawn)
    border = np.quantile(truth, 0.97)
    residuals = Residuals(latent[drawn], (truth - latent)[drawn])
    estimate = standing(np.array([border]), truth[drawn], latent[rest], residuals)[0]
    naive = (latent < border).mean()
    assert abs(estimate - 0.97) < 0.01
    assert naive > 0.985


def test_standing_agrees_with_brute_force() -> None:
    rng = np.random.default_rng(2)
    measured, rest = rng.normal(size=6), rng.normal(size=50)
    residuals = Residuals(rng.normal(size=10), rng.normal(size=10))
    asked = np.array([-0.5, 0.3, 1.2])
    expected = [
        ((measured < one).sum() + sum((prediction + residuals.errors < one).mean() for prediction in rest)) / 56
        for one in asked
    ]
    np.testing.assert_allclose(standing(asked, measured, rest, residuals), expected)


def test_the_residuals_of_the_nearest_predictions_count_on_both_sides():
    predicted = np.linspace(-1, 1, 101)
    residuals = Residuals(predicted, np.where(predicted < 0, -5.0, 5.0))
    asked, measured = np.array([3.0]), np.array([10.0])
    assert standing(asked, measured, np.array([0.9]), residuals) == 0, "believed to be at 5.9"
    assert standing(asked, measured, np.array([-0.9]), residuals) == 0.5, "believed to be at -5.9"
