import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp

from archlock.training.kinds.classification import fit_classes
from archlock.training.kinds.gaussian import fit_dense, patches_of
from archlock.training.kinds.rows import PENALTY


def blobs(classes, count=90, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    return rng.normal(size=(classes, 4))[labels] * 2 + rng.normal(size=(count, 4)) * [1, 5, 0.2, 1], labels


def test_class_head_is_the_minimum_of_the_stated_objective():
    features, labels = blobs(3)
    standard = (features - features.mean(0)) / features.std(0)

    def objective(flat):
        weight, bias = flat[:12].reshape(3, 4), flat[12:]
        logits = standard @ weight.T + bias
        likelihood = logits[np.arange(len(labels)), labels] - logsumexp(logits, axis=1)
        return -likelihood.mean() + PENALTY / 2 * np.sum(weight**2)

    best = minimize(objective, np.zeros(15), method="BFGS", options={"gtol": 1e-6}).x
    logits = standard @ best[:12].reshape(3, 4).T + best[12:]
    expected = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    head = fit_classes(features, labels)
    ours = head.probabilities(torch.from_numpy(features).float()).numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-4)
    assert (ours.argmax(1) == labels).mean() > 0.8


def test_two_classes_absent_classes_and_a_constant_feature():
    features, labels = blobs(2)
    features[:, 3] = 7.0
    head = fit_classes(features, labels * 5)  # labels 0 and 5: the classes between have no example
    probability = head.probabilities(torch.from_numpy(features).float()).numpy()
    assert probability.shape == (90, 2)
    assert (probability.argmax(1) == labels).mean() > 0.8
    assert torch.all(head.weight[:, 3] == 0)


def test_one_class_decides_nothing():
    head = fit_classes(np.ones((5, 4)), np.zeros(5, dtype=np.int64))
    assert not any(c.any() for c in head.cotangents(torch.ones(2, 4, 3, 3), 10, np.random.default_rng(0)))
    assert torch.equal(head.probabilities(torch.ones(2, 4)), torch.ones(2, 1))


def test_dense_head_recovers_a_linear_map_and_its_noise():
    rng = np.random.default_rng(0)
    cells, weight = rng.normal(size=(4000, 3)) * [1, 10, 0.1], rng.normal(size=(2, 3))
    targets = (cells / cells.std(0)) @ weight.T + 3 + 0.2 * rng.normal(size=(4000, 2))
    head = fit_dense(cells, targets)
    shrunk = weight / (1 + PENALTY)
    np.testing.assert_allclose(head.weight.numpy() * cells.std(0), shrunk, atol=0.02)
    shrinkage = np.mean(np.sum((weight - shrunk) ** 2, 1))
    np.testing.assert_allclose(head.variance, 0.2**2 + shrinkage, rtol=0.1)
    assert fit_dense(cells, np.ones((4000, 2))).variance == 255.0**-2


def test_patches_hold_the_pixels_of_their_cell():
    image = torch.arange(64.0).reshape(1, 1, 8, 8)
    patches = patches_of(image, 4, 4)
    assert patches.shape == (1, 4, 4, 4)
    assert patches[0, :, 0, 1].tolist() == [2.0, 3.0, 10.0, 11.0]
    assert patches_of(torch.rand(1, 3, 64, 64), 2, 2).shape == (1, 3 * 64, 2, 2)
