import re

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import build, features_before_head
from archlock.spaces import Architecture
from archlock.tasks import Task, subsample
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import batch_of
from archlock.transferability import features_of

TASK = small_digits(train=600, validation=50, test=20)


def network(task=TASK):
    model = build(Architecture("nasbench201", "314321"), task.signature, width=4, depth=1, seed=0)
    with torch.no_grad():
        model.train()(batch_of(task.train).images)  # statistics that mean something
    return model


def stranger():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        body = (nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AvgPool2d(3), nn.Flatten(), nn.Dropout(0.5))
        return nn.Sequential(*body, nn.Linear(24, 7))


@pytest.mark.parametrize("make", [network, stranger])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_they_are_what_goes_into_the_head_and_what_comes_out(make, split):
    model = make()
    given = getattr(TASK, split)
    features = features_of(model, TASK, split=split, seed=0)
    batch = batch_of(given)
    expected = features_before_head(model, batch.images).double().numpy()
    np.testing.assert_allclose(features.features, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(features.labels, given.targets)
    assert features.classes == 10
    with torch.no_grad():
        said = torch.softmax(model.eval()(batch.images).double(), 1).numpy()
    np.testing.assert_allclose(features.source_probabilities, said, rtol=1e-4, atol=1e-6)


def test_some_examples_are_those_of_a_subsample():
    model = network()
    some, whole = features_of(model, TASK, examples=40, seed=3), features_of(model, TASK, seed=3)
    assert len(some) == 40
    drawn = subsample(TASK, 40, seed=3).train
    np.testing.assert_array_equal(some.labels, drawn.targets)
    again = features_of(model, TASK, examples=40, seed=3)
    np.testing.assert_array_equal(some.features, again.features)
    assert not np.array_equal(some.labels, features_of(model, TASK, examples=40, seed=4).labels)
    assert len(features_of(model, TASK, examples=10_000, seed=0)) == len(whole) == 600
    few = features_of(model, TASK, split="validation", examples=20, seed=0)
    assert len(few) == 20
    rows = features_of(model, TASK, split="validation", seed=0).features
    assert all(np.abs(rows - row).max(1).min() < 1e-5 for row in few.features)


def test_the_model_is_left_as_it_was():
    for model in (network(), stranger()):
        model[1].eval() if isinstance(model, nn.Sequential) else model.stem.eval()
        next(model.parameters()).grad = torch.ones_like(next(model.parameters()))
        state = {name: value.clone() for name, value in model.state_dict().items()}
        modes = [module.training for module in model.modules()]
        generator = torch.random.get_rng_state()
        features_of(model, TASK, examples=30, seed=0)
        assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
        assert [module.training for module in model.modules()] == modes
        assert not any(module._forward_pre_hooks for module in model.modules())
        assert torch.equal(next(model.parameters()).grad, torch.ones_like(next(model.parameters())))
        assert torch.equal(torch.random.get_rng_state(), generator)


def test_heads_that_say_nothing_of_classes():
    dense = build(Architecture("nasbench201", "314321"), small_negatives().signature, width=4, depth=1, seed=0)
    features = features_of(dense, TASK, examples=30, seed=0)
    assert features.source_probabilities is None
    assert features.features.shape == (30, 16)
    single = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    assert features_of(single, TASK, examples=30, seed=0).source_probabilities is None


def test_unhappy_paths():
    broken = stranger()
    with torch.no_grad():
        broken[0].weight.fill_(torch.nan)
    large = nn.Sequential(nn.Flatten(), nn.Linear(100, 3))
    for model, task, arguments, error, words in (
        (
            stranger(),
            small_negatives(),
            {},
            UnsupportedError,
            "'negatives' is a dense task; transferability estimates compare features with class labels",
        ),
        (stranger(), TASK, {"split": "test"}, ConfigurationError, "got 'test'; the test split is for reports alone"),
        (stranger(), TASK, {"examples": 0}, ConfigurationError, "cannot train on 0 examples; give at least 1"),
        (
            nn.Flatten(),
            TASK,
            {},
            UnsupportedError,
            "Flatten has no nn.Linear and no convolution that makes its 64 answers",
        ),
        (
            large,
            TASK,
            {},
            UnsupportedError,
            "Sequential cannot take images of channels x height x width (1, 8, 8)",
        ),
        (broken, TASK, {}, MeasurementError, "answers of Sequential are not finite numbers; its training has diverged"),
    ):
        with pytest.raises(error, match=re.escape(words)):
            features_of(model, task, seed=0, **arguments)


def test_a_class_without_examples_is_known_all_the_same():
    given = small_digits(train=50, labels=(1, 2, 3))
    keep = given.train.take(np.flatnonzero(given.train.targets != 1))
    task = Task("two", "classification", given.classes, keep, given.validation, given.test, "")
    features = features_of(network(), task, seed=0)
    assert features.classes == 3
    assert features.present == (0, 2)
