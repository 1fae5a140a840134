from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score

from archlock.errors import MeasurementError
from archlock.models import build
from archlock.tasks import Split
from archlock.testing.attacks import ARCHITECTURE, trained_network
from archlock.testing.small_tasks import small_labels
from archlock.training import LEARNING, Plan, at_best_layer, batch_of, evaluate, fit_many, linear_probe, loss_of
from archlock.training.kinds.labels import LabelHead, fit_labels, mean_average_precision
from archlock.training.kinds.rows import PENALTY

RNG = np.random.default_rng(0)
KIND = LEARNING["labels"]


def test_average_precision_is_that_of_scikit_learn_ties_and_all():
    for ties in (1000, 4):
        answers = RNG.integers(0, ties, (40, 3)).astype(float)
        targets = (RNG.random((40, 3)) < [0.1, 0.5, 0.9]).astype(np.uint8)
        expected = average_precision_score(targets, answers, average="macro")
        assert mean_average_precision(answers, targets) == pytest.approx(expected, abs=1e-12)


def test_a_constant_scorer_gets_the_prevalence():
    targets = (RNG.random((997, 5)) < [0.01, 0.1, 0.3, 0.5, 0.99]).astype(np.uint8)
    targets[0] = 1
    found = mean_average_precision(np.full((997, 5), 0.3), targets)
    assert abs(found - targets.mean()) < 1e-12


def test_labels_without_positives_are_left_out():
    answers, targets = RNG.normal(size=(20, 2)), np.zeros((20, 2), np.uint8)
    targets[:7, 0] = 1
    assert mean_average_precision(answers, targets) == mean_average_precision(answers[:, :1], targets[:, :1])
    with pytest.raises(MeasurementError, match="none of the 20 images has a label"):
        mean_average_precision(answers, targets * 0)


def test_the_loss_is_the_mean_over_labels():
    logits, targets = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([[0, 1, 1]] * 5)
    belief = torch.sigmoid(logits)
    by_hand = -(targets * belief.log() + (1 - targets) * (1 - belief).log()).mean()
    torch.testing.assert_close(loss_of(logits, targets, label_smoothing=0.1), by_hand)
    both = KIND.losses(torch.stack([logits, -logits]), torch.stack([targets, targets]), label_smoothing=0.0)
    torch.testing.assert_close(both, torch.stack([by_hand, loss_of(-logits, targets)]))


def test_the_fisher_information_is_the_enumerated_expectation():
    weight, bias = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([0.3, -1.0, 2.0])
    maps = torch.rand(2, 4, 2, 3, generator=torch.Generator().manual_seed(2))
    directions = list(LabelHead(weight, bias).cotangents(maps, 10, np.random.default_rng(0)))
    found = sum(torch.einsum("nfhw,ngij->nfhwgij", one, one) for one in directions)
    expected = torch.zeros_like(found)
    for outcome in product((0.0, 1.0), repeat=3):  # all 2^K of them
        for row in range(2):
            free = maps[row : row + 1].clone().requires_grad_(True)
            logits = free.mean((2, 3)) @ weight.T + bias
            likelihood = (torch.tensor(outcome) * logits - torch.nn.functional.softplus(logits)).sum()
            (gradient,) = torch.autograd.grad(likelihood, free)
            expected[row] += likelihood.exp().detach() * torch.einsum("fhw,gij->fhwgij", gradient[0], gradient[0])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_more_labels_than_passes_are_right_in_expectation():
    weight, maps = torch.eye(4), torch.zeros(1, 4, 1, 1)
    head, rng, total = LabelHead(weight, torch.zeros(4)), np.random.default_rng(0), torch.zeros(4, 4)
    for _ in range(400):
        directions = list(head.cotangents(maps, 2, rng))
        assert len(directions) == 2
        total += sum(torch.outer(one.flatten(), one.flatten()) for one in directions) / 400
    torch.testing.assert_close(total, torch.eye(4) / 4, atol=0.04, rtol=0)


def test_the_head_of_a_probe_is_a_logistic_regression_for_each_label():
    rows = RNG.normal(size=(60, 3)) * [1, 5, 0.2]
    targets = (rows[:, :2] / [1, 5] + RNG.normal(size=(60, 2)) > 0).astype(np.uint8)
    head = fit_labels(rows, np.c_[targets, np.ones(60, np.uint8)])
    assert head.weight.shape == (2, 3), "of a label that all have there is nothing to decide"
    standard = (rows - rows.mean(0)) / rows.std(0)
    for label in range(2):
        known = LogisticRegression(C=1 / (PENALTY * 60), tol=1e-8).fit(standard, targets[:, label])
        np.testing.assert_allclose(head.weight[label].numpy() * rows.std(0), known.coef_[0], atol=1e-4)


def test_a_head_in_closed_form_orders_images_as_ridge_does_and_begins_at_a_fair_loss():
    rows, strength = RNG.normal(size=(80, 5)), 0.1
    targets = (rows[:, :2] + RNG.normal(size=(80, 2)) > [0, 1.5]).astype(np.uint8)
    ((weight, bias),) = KIND.heads(rows, targets, 2, strength)
    answers, known = rows @ weight.T + bias, Ridge(alpha=1 / strength).fit(rows, targets).predict(rows)
    assert (answers.argsort(0) == known.argsort(0)).all()
    share = targets.mean(0)
    fair = -(share * np.log(share) + (1 - share) * np.log(1 - share)).mean()
    assert float(loss_of(torch.tensor(answers), torch.tensor(targets))) < fair


def test_a_probe_and_a_training_find_the_labels():
    task = small_labels(train=100, validation=60, test=60)
    probed = linear_probe(trained_network(), task, seed=0)
    assert probed.validation == evaluate(probed.model, task.validation) > task.chance + 0.3
    model = build(ARCHITECTURE, task.signature, width=4, depth=1, seed=0)
    (trained,) = fit_many([model], task, Plan(6, batch_size=16, learning_rate=0.2), seeds=[0])
    assert trained.validation == pytest.approx(evaluate(trained.model, task.validation), abs=1e-6)
    assert trained.losses[-1] < trained.losses[0]


def test_a_split_that_has_no_labels_has_no_score():
    task = small_labels(train=10, validation=5, test=5)
    bare = Split(task.test.images, task.test.targets * 0)
    model = build(ARCHITECTURE, task.signature, width=4, depth=1, seed=0)
    with pytest.raises(MeasurementError, match="none of the 5 images has a label"):
        evaluate(model, replace(task, test=bare).test)


def test_the_best_layer_is_found_by_the_labels():
    task = small_labels(train=60, validation=40, test=10)
    found = linear_probe(at_best_layer(trained_network(), task, seed=0), task, seed=0)
    assert found.validation > task.chance + 0.2
    assert found.model(batch_of(task.test).images).shape == (10, 3)
