"""The terms of immunisation: by hand, by their gradients, and against the optimum in closed form."""

import math

import numpy as np
import pytest
import torch

from archlock.errors import ConfigurationError, MeasurementError
from archlock.training.immunisation import best_immunisation, immunity, log_condition, spectrum

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


@pytest.mark.parametrize("widest", [1.0, 0.1])
def test_descent_on_the_terms_reaches_the_optimum_in_closed_form(widest: float) -> None:
    rng = np.random.default_rng(2)
    scale = np.diag(np.geomspace(1.0, widest, D))
    own, other = (rng.standard_normal((30, D)) @ scale for _ in range(2))
    theta = torch.eye(D, dtype=torch.float64, requires_grad=True)
    features = [torch.tensor(task) for task in (own, other)]
    optimiser = torch.optim.Adam([theta], lr=0.01)
    for _ in range(300):
        optimiser.zero_grad()
        one, another = (log_condition(task @ theta, floor=1e-8) for task in features)
        (one - another).backward()
        optimiser.step()
    reached = ratio(theta.detach().numpy(), own.T @ own, other.T @ other)
    assert reached == pytest.approx(best_immunisation(own.T @ own, other.T @ other)[1], rel=2e-2)


def test_the_log_condition_by_hand() -> None:
    assert float(log_condition(torch.eye(4))) == pytest.approx(0, abs=1e-12)
    uneven = torch.diag(torch.tensor([1.0, 3.0]))  # (squared: 1 and 9, of mean 5)
    assert float(log_condition(uneven, floor=0.0)) == pytest.approx(math.log(3), rel=1e-6)
    assert float(log_condition(uneven, floor=0.1)) == pytest.approx(math.log((9 / 5 + 0.1) / (1 / 5 + 0.1)) / 2)
    features = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    found = spectrum(features.T.double().numpy())
    assert float(log_condition(features, floor=0.0)) == pytest.approx(math.log(found.condition) / 2, rel=1e-6)
    assert float(log_condition(features)) == pytest.approx(float(log_condition(100 * features.T)), rel=1e-6)
    assert float(log_condition(torch.ones(5, 3))) == pytest.approx(math.log(3.01 / 0.01) / 2), "finite without a rank"
    with pytest.raises(MeasurementError, match="all zero, so they have no condition number"):
        log_condition(torch.zeros(3, 8))


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
