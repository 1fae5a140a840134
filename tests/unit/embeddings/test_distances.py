import numpy as np
import pytest
from scipy.spatial.distance import cosine

from archlock.embeddings import Embedding, asymmetric_distance, distance
from archlock.errors import ConfigurationError


def embedding(vector, probe="00ff", simulated=False):
    vector = np.asarray(vector, float)
    return Embedding(vector, (("a", 0), ("b", 2)), 10, np.zeros_like(vector), "tiny", probe, "beef", simulated)


def random_pair(seed=0):
    return [embedding(np.exp(2 * np.random.default_rng([seed, i]).normal(size=8))) for i in range(2)]


def test_equals_the_paper_by_scipy():
    for seed in range(5):
        a, b = random_pair(seed)
        total = a.vector + b.vector
        np.testing.assert_allclose(distance(a, b), cosine(a.vector / total, b.vector / total), rtol=1e-12)
        assert distance(a, b) == distance(b, a)
        assert 0 < distance(a, b) < 1
        assert distance(a, a) < 1e-15


def test_scale_and_extremes():
    a, b = random_pair()
    assert distance(a, embedding(a.vector * 1e6)) < 1e-9
    tiny, huge = embedding(a.vector * 1e-300), embedding(b.vector * 1e-300)
    np.testing.assert_allclose(distance(tiny, huge), distance(a, b), rtol=1e-12)
    nothing = embedding(np.zeros(8))
    assert distance(nothing, nothing) == 0
    assert distance(a, nothing) == 1
    apart = distance(embedding([1, 1, 0, 0, 0, 0, 0, 0]), embedding([0, 0, 1, 0, 0, 0, 0, 0]))
    assert apart == 1


def test_asymmetric_distance_subtracts_the_complexity_of_the_source():
    a, b = random_pair()
    mean = np.r_[np.full(2, a.vector[:2].mean()), np.full(6, a.vector[2:].mean())]
    expected = distance(a, b) - 0.15 * distance(a, embedding(mean))
    np.testing.assert_allclose(asymmetric_distance(a, b), expected, rtol=1e-12)
    np.testing.assert_allclose(asymmetric_distance(a, b, weight=0.0), distance(a, b), rtol=1e-12)
    even = embedding([2, 2, 5, 5, 5, 5, 5, 5])  # is the trivial embedding itself
    np.testing.assert_allclose(asymmetric_distance(even, b), distance(even, b), atol=1e-12)
    assert asymmetric_distance(a, b) != asymmetric_distance(b, a)


def test_only_comparable_embeddings():
    a, b = random_pair()
    for measure in (distance, asymmetric_distance):
        with pytest.raises(ConfigurationError, match=r"'tiny' \(00ff, 8 filters\) and 'tiny' \(beef, 8 filters\)"):
            measure(a, embedding(b.vector, probe="beef"))
        with pytest.raises(ConfigurationError, match=r"beef has 2 negative entries.*method='log_fisher'"):
            measure(a, embedding([-1, -1, 1, 1, 1, 1, 1, 1], simulated=True))
