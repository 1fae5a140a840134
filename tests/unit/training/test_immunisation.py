"""The terms of immunisation: by hand, by their gradients, and against the optimum in closed form."""

import math

import numpy as np
import pytest
import torch

from archlock.errors import ConfigurationError, MeasurementError
from archlock.training.immunisation import (
    best_immunisation,
    ill_conditioned,
    immunity,
    scaled_gram,
    spectrum,
    well_conditioned,
)

D = 6


def grams(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """K = X^T X of two tasks."""
    rng = np.random.default_rng(seed)
    first, second = (rng.standard_normal((30, D)) @ np.diag(rng.uniform(0.2, 2, D)) for _ in range(2))
    return first.T @ first, second.T @ second


def condition(theta: np.ndarray, gram: np.ndarray) -> float:
    return float(np.linalg.cond(theta.T @ gram @ theta))


def ratio(theta: np.ndarray, own: np.ndarray, other: np.ndarray) -> float:
    unit = np.eye(D)
    return condition(theta, other) / condition(unit, other) / (condition(theta, own) / condition(unit, own))


def test_the_optimum_is_reached_in_closed_form_and_never_beaten() -> None:
    own, other = grams()
    theta, best = best_immunisation(own, other)
    assert condition(theta, own) == pytest.approx(1)
    assert ratio(theta, own, other) == pytest.approx(best, rel=1e-6)
    rng = np.random.default_rng(1)
    turned, _ = np.linalg.qr(rng.standard_normal((D, D)))
    assert ratio(theta @ turned, own, other) == pytest.approx(best, rel=1e-6)
    assert max(ratio(rng.standard_normal((D, D)), own, other) for _ in range(300)) < best


def test_singular_features_have_no_optimum() -> None:
    own, other = grams()
    flat = np.diag([1.0] * (D - 1) + [0.0])
    with pytest.raises(ConfigurationError, match="own task are singular; add a ridge"):
        best_immunisation(flat, other)
    with pytest.raises(ConfigurationError, match="other task are singular; add a ridge"):
        best_immunisation(own, flat)


def test_descent_on_the_terms_does_what_they_say() -> None:
    """With the factor K^-1 of the paper's algorithm: kappa of the other task rises at every step."""
    own, other = (torch.tensor(gram / np.linalg.norm(gram)) for gram in grams())
    theta = torch.eye(D, dtype=torch.float64)
    before = last = condition(theta.numpy(), other.numpy())
    for _ in range(30):
        leaf = theta.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(ill_conditioned(leaf.T @ other @ leaf, guard=0.0), leaf)
        theta = theta - 1e-5 * torch.linalg.solve(other, slope)
        now = condition(theta.numpy(), other.numpy())
        assert now > last
        last = now
    assert last > 1.001 * before
    theta = torch.eye(D, dtype=torch.float64)
    leaf = theta.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(well_conditioned(leaf.T @ own @ leaf), leaf)
    hessian = own  # (at theta = I)
    values, vectors = torch.linalg.eigh(hessian)
    top = vectors[:, -1:]
    published = 2 * own @ (values[-1] * top @ top.T - hessian / D)
    assert torch.allclose(slope, published)
    closer = theta - 1e-2 * torch.linalg.solve(own, slope)
    assert condition(closer.numpy(), own.numpy()) < condition(theta.numpy(), own.numpy())


def test_the_terms_by_hand_and_the_guard_where_the_denominator_vanishes() -> None:
    even = torch.eye(4)
    assert float(well_conditioned(even)) == pytest.approx(0)
    assert math.isinf(float(ill_conditioned(even, guard=0.0)))
    assert float(ill_conditioned(even)) == pytest.approx(100)
    uneven = torch.diag(torch.tensor([1.0, 3.0]))
    assert float(well_conditioned(uneven)) == pytest.approx(9 / 2 - 10 / 4)
    assert float(ill_conditioned(uneven, guard=0.0)) == pytest.approx(1 / (10 / 4 - 1 / 2))


def test_the_gram_is_taken_on_the_smaller_side_and_knows_no_scale() -> None:
    features = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    assert scaled_gram(features).shape == (3, 3)
    assert float((torch.linalg.svdvals(scaled_gram(features)) ** 2).mean()) == pytest.approx(1)
    assert torch.allclose(scaled_gram(features), scaled_gram(100 * features), atol=1e-6)
    assert torch.allclose(
        torch.linalg.svdvals(scaled_gram(features)), torch.linalg.svdvals(scaled_gram(features.T)), atol=1e-6
    )
    with pytest.raises(MeasurementError, match="all zero, so they have no condition number"):
        scaled_gram(torch.zeros(3, 8))


def test_a_short_rank_is_not_good_conditioning() -> None:
    features = np.diag([1.0, 1.0, 1e-9]) @ np.eye(3)
    found = spectrum(features)
    assert (found.width, found.rank, found.condition) == (3, 2, 1.0)
    assert math.isinf(found.full_condition)
    assert spectrum(np.diag([1.0, 0.1])).full_condition == pytest.approx(100)
    assert immunity(
        (spectrum(np.eye(2)), spectrum(np.eye(2))), (spectrum(np.eye(2)), spectrum(np.diag([1.0, 0.1])))
    ) == (pytest.approx(100))
    with pytest.raises(MeasurementError, match="all zero"):
        spectrum(np.zeros((3, 2)))
