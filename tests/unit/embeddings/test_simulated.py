import numpy as np
import pytest

from archlock.embeddings import Embedding, distance, simulate
from archlock.errors import ConfigurationError


def embedding(filters=60, dead=6, seed=0):
    rng = np.random.default_rng(seed)
    vector = np.exp(1.5 * rng.normal(size=filters) + np.repeat([0, -4, 3], filters // 3))
    vector[rng.choice(filters, dead, replace=False)] = 0
    offsets = (("a", 0), ("b", filters // 3), ("c", 2 * filters // 3))
    return Embedding(vector, offsets, 500, vector / 20, "tiny", "00ff", "beef")


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def centred(one):
    """The living part of the log vector, less the mean of its layer."""
    parts = [one.vector[one.layer(name)] for name, _ in one.offsets]
    logs = [np.log(part[part > 0]) for part in parts]
    return np.concatenate([part - part.mean() for part in logs])


@pytest.mark.parametrize("wanted", [1.0, 0.9, 0.5, 0.0, -1.0])
def test_log_fisher_has_exactly_the_cosine_asked_and_keeps_its_length(wanted):
    source = embedding()
    for one in simulate(source, 5, cosine=wanted, seed=1):
        np.testing.assert_allclose(cosine(centred(source), centred(one)), wanted, atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(centred(one)), np.linalg.norm(centred(source)), rtol=1e-12)
        assert np.array_equal(one.vector == 0, source.vector == 0)
        assert one.vector.min() >= 0
        for name, _ in source.offsets:
            means = [np.log(e.vector[e.layer(name)][e.vector[e.layer(name)] > 0]).mean() for e in (source, one)]
            np.testing.assert_allclose(*means, atol=1e-12)
        assert one.simulated
        assert one.examples == 0
        assert one.comparable(source)


def test_log_fisher_mutual_cosines_scatter_around_the_square():
    many = simulate(embedding(), 30, cosine=0.8, seed=1)
    mutual = [cosine(centred(a), centred(b)) for i, a in enumerate(many) for b in many[:i]]
    assert abs(np.mean(mutual) - 0.64) < 0.05
    assert np.std(mutual) > 0.1
    assert min(mutual) >= 2 * 0.64 - 1 - 1e-12


def test_nearer_in_cosine_is_nearer_in_distance():
    source = embedding()
    sets = [simulate(source, 10, cosine=wanted, seed=2) for wanted in (0.95, 0.7, 0.2)]
    means = [np.mean([distance(source, one) for one in many]) for many in sets]
    assert means == sorted(means)


def test_same_seed_same_vectors():
    source = embedding()
    one, two, other = (simulate(source, 3, seed=seed) for seed in (4, 4, 5))
    assert all(np.array_equal(a.vector, b.vector) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0].vector, other[0].vector)
    assert len({e.task for e in (*one, *other)}) == 6


def test_published_method_has_its_published_defects():
    source = embedding()
    many = simulate(source, 10, cosine=0.9, method="published", seed=0)
    for number, one in enumerate(many):
        np.testing.assert_allclose(cosine(source.vector, one.vector), 0.9, rtol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(one.vector), np.linalg.norm(source.vector) / 0.9, rtol=1e-12)
        for other in many[:number]:
            np.testing.assert_allclose(cosine(one.vector, other.vector), 0.81, rtol=1e-10)
    assert np.mean([one.vector < 0 for one in many]) > 0.19


def test_misuse_is_told():
    source = embedding()
    with pytest.raises(ConfigurationError, match="count must be at least 1; got 0"):
        simulate(source, 0, seed=0)
    with pytest.raises(ConfigurationError, match=r"cosine must lie in \[-1, 1\] for 'log_fisher'; got 1.5"):
        simulate(source, 1, cosine=1.5, seed=0)
    with pytest.raises(ConfigurationError, match=r"cosine must lie in \(0, 1\] for 'published'; got 0"):
        simulate(source, 1, cosine=0.0, method="published", seed=0)
    with pytest.raises(ConfigurationError, match="method must be 'log_fisher' or 'published'; got 'other'"):
        simulate(source, 1, method="other", seed=0)
    flat = Embedding(np.ones(6), (("a", 0),), 5, np.zeros(6), "tiny", "00ff", "flat")
    with pytest.raises(ConfigurationError, match="embedding flat cannot be varied: all filters"):
        simulate(flat, 1, seed=0)
    nothing = Embedding(np.zeros(6), (("a", 0),), 5, np.zeros(6), "tiny", "00ff", "zero")
    with pytest.raises(ConfigurationError, match="length 0, 6 entries, count 1"):
        simulate(nothing, 1, method="published", seed=0)
