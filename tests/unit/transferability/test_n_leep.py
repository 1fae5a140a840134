import re

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from archlock.errors import ConfigurationError, MeasurementError
from archlock.transferability import ESTIMATES, Features
from archlock.transferability.leep import expected_log_prediction
from archlock.transferability.principal import principal_components


def blobs(examples=90, width=6, apart=20.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % 3
    return rng.normal(size=(examples, width)) + apart * np.eye(3, width)[labels], labels


@pytest.mark.parametrize("energy", [0.5, 0.8, 0.95])
def test_components_are_those_of_scikit_learn(energy):
    features, _ = blobs(apart=3.0)
    expected = PCA(energy, svd_solver="full").fit_transform(features)
    found = principal_components(features, energy=energy)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(np.abs(principal_components(features, most=2)), np.abs(expected[:, :2]), atol=1e-9)


def test_components_without_content_are_left_out():
    features, _ = blobs()
    padded = np.column_stack([features, features[:, 0], np.ones(90)])
    assert principal_components(padded).shape == (90, 6)
    np.testing.assert_allclose(principal_components(padded, most=4), principal_components(padded)[:, :4])


def test_components_that_cannot_be():
    for share in (0.0, 1.5):
        with pytest.raises(ConfigurationError, match=re.escape(f"in (0, 1]; got {share}")):
            principal_components(blobs()[0], energy=share)
    with pytest.raises(ConfigurationError, match="at least one component must be kept; got most=0"):
        principal_components(blobs()[0], most=0)


def test_equals_the_same_by_scikit_learn_alone():
    features, labels = blobs(apart=2.0)
    reduced = PCA(0.8, svd_solver="full").fit_transform(features)
    reduced /= reduced.var(0).sum() ** 0.5
    # started where ours ends up: a mixture is where expectation maximisation stands still
    value = ESTIMATES["n_leep"].estimate(Features(features, labels, 3), seed=0)
    signs = np.sign((principal_components(features, energy=0.8) * reduced).sum(0))
    mixture = GaussianMixture(15, random_state=0).fit(reduced * signs)
    expected = expected_log_prediction(mixture.predict_proba(reduced * signs), labels)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_classes_far_apart_are_told_by_their_clusters():
    features, labels = blobs()
    assert -1e-6 < ESTIMATES["n_leep"].estimate(Features(features, labels, 3), seed=0) <= 1e-12
    mixed = Features(features, np.random.default_rng(0).permutation(labels), 3)
    assert ESTIMATES["n_leep"].estimate(mixed, seed=0) < -0.5


def test_the_unit_of_the_features_plays_no_part():
    features, labels = blobs(apart=2.0)
    value, small = (
        ESTIMATES["n_leep"].estimate(Features(rows, labels, 3), seed=0) for rows in (features, features / 1024)
    )
    np.testing.assert_allclose(small, value, rtol=1e-9)


def test_too_few_examples():
    features, labels = blobs(14)
    with pytest.raises(MeasurementError, match=r"n_leep has no value: 15 Gaussians \(5 for each class\).*; got 14"):
        ESTIMATES["n_leep"].estimate(Features(features, labels, 3), seed=0)
