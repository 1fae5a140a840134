"""Each number of the state of features, against its closed form."""

import math

import numpy as np
import pytest

from archlock.errors import MeasurementError
from archlock.transferability import (
    Tunnel,
    condition_number,
    effective_rank,
    gradient_spread,
    neural_collapse,
    tunnel,
)

RNG = np.random.default_rng(0)


def with_singular_values(*values: float, count: int = 40) -> np.ndarray:
    """Features whose centred singular values are these, with a mean far from zero."""
    noise = RNG.normal(size=(count, len(values)))
    left, _ = np.linalg.qr(noise - noise.mean(0))
    turn, _ = np.linalg.qr(RNG.normal(size=(len(values), len(values))))
    return left * values @ turn + 7.0


@pytest.mark.parametrize("values", [(5.0, 5.0, 5.0, 5.0), (8.0, 4.0, 2.0, 1.0), (3.0,), (2.0, 1.0, 0.0)])
def test_effective_rank_is_the_exponential_of_the_entropy_of_known_singular_values(values: tuple[float, ...]) -> None:
    shares = np.array([one for one in values if one]) / sum(values)
    expected = math.exp(-sum(share * math.log(share) for share in shares))
    assert effective_rank(with_singular_values(*values)) == pytest.approx(expected, rel=1e-6)


def test_an_identity_covariance_of_rank_k_has_effective_rank_k_and_no_direction_of_its_mean() -> None:
    for k in (1, 2, 5):
        features = np.hstack([with_singular_values(*[2.0] * k), np.full((40, 3), 100.0)])
        assert effective_rank(features) == pytest.approx(k, rel=1e-6)


def test_collapse_is_the_hand_computed_ratio_on_a_line() -> None:
    """Two classes at -3 and 3, each image 1 to either side: within 1, between 9, by two classes."""
    features = np.array([[-4.0], [-2.0], [2.0], [4.0]])
    labels = np.array([5, 5, 9, 9])
    assert neural_collapse(features, labels) == pytest.approx(1 / 9 / 2)


def test_collapse_agrees_with_the_covariances_as_published_and_does_not_know_the_basis() -> None:
    labels = np.arange(60) % 4
    features = RNG.normal(size=(60, 6)) + 3 * RNG.normal(size=(4, 6))[labels]
    means = np.stack([features[labels == one].mean(0) for one in range(4)])
    within = sum(np.outer(row, row) for row in features - means[labels]) / 60
    between = sum(np.outer(row, row) for row in means - means.mean(0)) / 4
    expected = np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / 4
    assert neural_collapse(features, labels) == pytest.approx(expected, rel=1e-9)
    turned = features @ np.linalg.qr(RNG.normal(size=(6, 6)))[0] * 5 + 2
    assert neural_collapse(turned, labels) == pytest.approx(expected, rel=1e-9)


def test_complete_collapse_is_zero_and_identical_class_means_are_refused() -> None:
    labels = np.array([0, 0, 1, 1])
    assert neural_collapse(np.array([[0.0, 1], [0, 1], [2, 3], [2, 3]]), labels) == 0
    same = np.array([[-1.0], [1.0], [-2.0], [2.0]])
    with pytest.raises(MeasurementError, match="the means of all 2 classes are the same, so NC1 is infinite"):
        neural_collapse(same, labels)


def test_orthogonal_features_have_condition_one_and_known_ones_its_square() -> None:
    assert condition_number(with_singular_values(2.0, 2.0, 2.0)) == pytest.approx(1, rel=1e-6)
    assert condition_number(with_singular_values(10.0, 3.0, 1.0)) == pytest.approx(100, rel=1e-6)


def test_the_spread_of_gradients_is_that_of_powers_of_ten() -> None:
    assert gradient_spread([1e-2, 1e-2, 1e-2]) == 0
    assert gradient_spread([1e-1, 1e-3]) == pytest.approx(1)
    assert gradient_spread([5e-1, 5e-3]) == pytest.approx(1), "one rate for all plays no part"


def test_a_tunnel_is_what_the_last_layers_lose() -> None:
    assert tunnel([0.25, 0.5, 0.97, 1.0, 0.75]) == Tunnel(strength=0.75, best=3, begins=2)
    assert tunnel([0.2, 0.9]) == Tunnel(1.0, 1, 1)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (lambda: effective_rank(np.ones((5, 3))), "the features are the same for all 5 images, so they have no spread"),
        (lambda: effective_rank(np.ones((1, 3))), "the spread of features needs at least two images; got 1"),
        (lambda: effective_rank(np.array([[1.0], [math.nan]])), "not finite numbers; its training has diverged"),
        (lambda: condition_number(RNG.normal(size=(4, 4))), "of 4 units needs more than 4 images .* got 4"),
        (lambda: condition_number(with_singular_values(2.0, 1.0, 0.0)), "rank 2 of 3, so its condition number is inf"),
        (lambda: neural_collapse(RNG.normal(size=(4, 2)), np.full(4, 3)), "two classes; all are of class 3"),
        (lambda: neural_collapse(RNG.normal(size=(3, 2)), np.arange(3)), "got 3 images of 3 classes, so no class has"),
        (lambda: gradient_spread([0.1]), "needs at least two layers with a gradient; got 1"),
        (lambda: gradient_spread([0.1, 0.0]), "must be above 0 and finite; got"),
        (lambda: tunnel([]), "needs the accuracy of at least one probe"),
        (lambda: tunnel([0.0, 0.0]), "above 0; got"),
    ],
)
def test_what_has_no_value_is_said(measure, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MeasurementError, match=words):
        measure()
