import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from archlock.testing.attacks import trained_network
from archlock.testing.small_tasks import small_regression
from archlock.training import LEARNING, evaluate, linear_probe, loss_of
from archlock.training.kinds.regression import NumberHead, r_squared

RNG = np.random.default_rng(0)
KIND = LEARNING["regression"]


def test_the_score_is_that_of_scikit_learn():
    answers, targets = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 3)).astype(np.float32)
    assert r_squared(answers, targets) == pytest.approx(r2_score(targets, answers), abs=1e-12)
    assert r_squared(np.tile(targets.astype(float).mean(0), (40, 1)), targets) == pytest.approx(0, abs=1e-12)


def test_a_head_in_closed_form_is_ridge_regression():
    rows, targets = RNG.normal(size=(50, 4)), RNG.normal(size=(50, 2)).astype(np.float32)
    ((weight, bias),) = KIND.heads(rows, targets, 2, 0.1)
    known = Ridge(alpha=10).fit(rows, targets.astype(float))
    np.testing.assert_allclose(weight, known.coef_, atol=1e-10)
    np.testing.assert_allclose(bias, known.intercept_, atol=1e-10)


def test_losses_of_several_are_those_of_each():
    answers, targets = torch.rand(2, 5, 3), torch.rand(2, 5, 3)
    each = torch.stack([loss_of(a, t) for a, t in zip(answers, targets, strict=True)])
    torch.testing.assert_close(KIND.losses(answers, targets, label_smoothing=0.1), each)


def test_the_fisher_information_is_that_of_a_gaussian():
    weight = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    directions = list(NumberHead(weight, 0.25).cotangents(torch.rand(1, 3, 1, 1), 10, RNG))
    found = sum(torch.outer(one.flatten(), one.flatten()) for one in directions)
    torch.testing.assert_close(found, weight.T @ weight / 0.25)


def test_a_probe_finds_the_numbers():
    task = small_regression(train=200, validation=60, test=60)
    probed = linear_probe(trained_network(), task, strengths=(0.01, 0.1), seed=0)
    assert probed.validation == pytest.approx(evaluate(probed.model, task.validation))
    assert probed.validation > 0.2
