"""A head by plain descent: it learns well-conditioned features, and is slow on the same ones stretched."""

import numpy as np
import pytest

from archlock.training import descended_head


def rows(count: int, seed: int, *, stretch: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that the second of two features tells apart; the first is larger and says nothing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    return np.stack([stretch * rng.standard_normal(count), 2.0 * labels - 1], 1), labels


def scores(stretch: float, steps: int) -> float:
    return descended_head(*(rows(80, seed, stretch=stretch) for seed in (0, 1, 2)), outputs=2, steps=steps)


def test_what_is_easy_is_learned_and_stretching_slows_it_down() -> None:
    assert scores(1.0, 60) == 1.0
    assert scores(1e4, 60) < 0.8


def test_features_of_any_scale_are_learned_alike() -> None:
    small = tuple((1e-6 * features, labels) for features, labels in (rows(80, seed) for seed in (0, 1, 2)))
    assert descended_head(*small, outputs=2, steps=60) == pytest.approx(scores(1.0, 60))
