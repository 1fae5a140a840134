import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge

from archlock.errors import ConfigurationError
from archlock.training import ridge_heads, whitened_heads
from archlock.training.closed_heads import SHARES
from archlock.training.logistic import ABSENT

RNG = np.random.default_rng(0)


def rows(examples: int, features: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Correlated features that say something about the labels; every class is there."""
    labels = np.arange(examples) % classes
    mixing = RNG.normal(size=(features, features))
    return (RNG.normal(size=(examples, features)) + np.eye(classes, features)[labels]) @ mixing + 3.0, labels


SHAPES = [(50, 6), (9, 20)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", [0.01, 1.0, 1e4])
def test_ridge_is_the_solution_of_the_normal_equations(shape, strength):
    features, labels = rows(*shape)
    ((weight, bias),) = ridge_heads(features, labels, 3, strength)
    wanted = np.eye(3)[labels]
    known = Ridge(alpha=len(features) / strength).fit(features, wanted)
    np.testing.assert_allclose(weight, known.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(bias, known.intercept_, rtol=1e-6, atol=1e-9)
    centred = features - features.mean(0)
    moments = centred.T @ centred / len(features) + np.eye(shape[1]) / strength
    solved = np.linalg.solve(moments, centred.T @ (wanted - wanted.mean(0)) / len(features))
    np.testing.assert_allclose(weight, solved.T, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_ridge_of_endless_strength_is_least_squares_with_the_smallest_weights(shape):
    features, labels = rows(*shape)
    features = np.concatenate([features, features[:, :2]], 1)  # (no one solution)
    ((weight, _),) = ridge_heads(features, labels, 3, 1e30)
    wanted = np.eye(3)[labels]
    known = np.linalg.lstsq(features - features.mean(0), wanted - wanted.mean(0), rcond=1e-6)[0]
    np.testing.assert_allclose(weight, known.T, rtol=1e-5, atol=1e-7)


def test_without_shrinkage_it_is_a_regression_on_principal_components_of_deviation_one():
    features, labels = rows(60, 5)
    weight, bias = whitened_heads(features, labels, 3, 0.1)[-1]
    whitened = PCA(whiten=True).fit_transform(features) * np.sqrt(60 / 59)  # (theirs divides by 59)
    known = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000).fit(whitened, labels)
    np.testing.assert_allclose(features @ weight.T + bias, known.decision_function(whitened), atol=1e-2)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_first_is_shrunk_as_ledoit_and_wolf_say(shape):
    features, labels = rows(*shape)
    heads = whitened_heads(features, labels, 3, 1.0)
    assert len(heads) == len(SHARES)
    values, vectors = np.linalg.eigh(LedoitWolf().fit(features).covariance_)
    whitened = (features - features.mean(0)) @ vectors / np.sqrt(values)
    known = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(whitened, labels)
    weight, bias = heads[0]
    np.testing.assert_allclose(features @ weight.T + bias, known.decision_function(whitened), atol=2e-2)


def test_no_invertible_mixing_of_the_features_changes_what_a_whitened_head_says():
    features, labels = rows(40, 6)
    mixing = np.linalg.qr(RNG.normal(size=(6, 6)))[0] * np.array([1e3, 1.0, 1e-1, 1e-1, 1e-1, 1e-1])
    plain, mixed = (whitened_heads(given, labels, 3, 1.0)[-1] for given in (features, features @ mixing))
    one, other = (given @ weight.T + bias for given, (weight, bias) in ((features, plain), (features @ mixing, mixed)))
    np.testing.assert_allclose(one, other, atol=0.05)  # (as far as the regression is computed)
    assert (one.argmax(1) == other.argmax(1)).all()


@pytest.mark.parametrize("make", [ridge_heads, whitened_heads])
@pytest.mark.parametrize("examples", [1, 2, 7])
def test_few_examples_constant_features_and_missing_classes_are_no_obstacle(make, examples):
    features, labels = rows(examples, 10, classes=4)
    features[:, 3] = 5.0
    constant = np.full((examples, 10), 2.5)
    for given, said in ((features, labels), (features, labels * 0 + 2), (constant, labels), (constant * 0, labels)):
        for weight, bias in make(given, said, 5, 10.0):
            assert np.isfinite(weight).all()
            assert weight.shape == (5, 10)
            assert np.abs(weight[:, 3]).max() < 1e-9
            answers = (given @ weight.T + bias).argmax(1)
            assert set(answers) <= set(said)
            absent = np.setdiff1d(np.arange(5), said)
            assert (bias[absent] <= ABSENT).all()


@pytest.mark.parametrize("make", [ridge_heads, whitened_heads])
def test_a_strength_that_is_none_is_refused(make):
    with pytest.raises(ConfigurationError, match=r"strength of a head .* above 0; got 0"):
        make(*rows(9, 2), 3, 0.0)
