import warnings

import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import as_classifier, build, features_before_head
from archlock.spaces import Architecture
from archlock.tasks import Split, Task
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import STRENGTHS, batch_of, evaluate, linear_probe

TASK = small_digits(train=200, validation=90, test=60)


def network(task=TASK):
    model = build(Architecture("nasbench201", "314321"), task.signature, width=4, depth=1, seed=0)
    with torch.no_grad():
        model.train()(batch_of(task.train).images)  # statistics that mean something
    return model


def stranger():
    torch.manual_seed(0)
    body = (nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten())
    return nn.Sequential(*body, nn.Linear(24, 10, bias=False))


def answers(model, split):
    with torch.no_grad():
        return model(batch_of(split).images).argmax(1).numpy()


def pipeline(model, task, strength):
    """The same probe by scikit-learn alone."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = {
        name: features_before_head(model, batch_of(getattr(task, name)).images).double().numpy() for name in SPLITS
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logistic = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        fitted = make_pipeline(StandardScaler(), logistic).fit(features["train"], task.train.targets)
    return {name: fitted.predict(features[name]) for name in SPLITS}


SPLITS = ("train", "validation", "test")


@pytest.mark.parametrize("make", [network, stranger])
@pytest.mark.parametrize("labels", [tuple(range(10)), (3, 8), (1, 4, 7)], ids=["ten", "two", "three"])
def test_it_answers_like_scikit_learn_image_by_image(make, labels):
    task = small_digits(train=200, validation=90, test=60, labels=labels)
    model = make()
    for strength in (0.01, 1.0):
        probed = linear_probe(model, task, strengths=(strength,), seed=0)
        for name, expected in pipeline(model, task, strength).items():
            np.testing.assert_array_equal(answers(probed.model, getattr(task, name)), expected)
        assert probed.validation == evaluate(probed.model, task.validation)
        assert probed.strength == strength
        assert probed.trials == ((strength, probed.validation),)


def test_the_best_strength_by_validation_is_kept():
    model = network()
    alone = {strength: linear_probe(model, TASK, strengths=(strength,), seed=0) for strength in STRENGTHS}
    probed = linear_probe(model, TASK, seed=0)
    assert probed.trials == tuple((strength, alone[strength].validation) for strength in STRENGTHS)
    assert probed.validation == max(score for _, score in probed.trials)
    first = next(strength for strength, score in probed.trials if score == probed.validation)
    assert probed.strength == first
    for one, other in zip(probed.model.parameters(), alone[first].model.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("make", [network, stranger])
def test_the_body_stays_and_the_model_given_is_left_alone(make):
    model = make()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.random.get_rng_state()
    probed = linear_probe(model, TASK, strengths=(0.1,), seed=0).model
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model.training
    assert not probed.training
    assert torch.equal(generator, torch.random.get_rng_state())
    given = as_classifier(model, TASK.shape).state_dict()
    after = probed.state_dict()
    changed = {name for name in after if not torch.equal(after[name], given.get(name, torch.empty(0)))}
    assert changed == {"head.weight", "head.bias"}


def without_label(task, label):
    """The task with no training example of that class."""
    keep = np.flatnonzero(task.train.targets != label)
    return Task(task.name, task.kind, task.classes, task.train.take(keep), task.validation, task.test, task.origin)


@pytest.mark.parametrize(("labels", "missing"), [((0, 1, 2), 1), ((3, 8), 0), ((0, 1, 2, 3), 3)])
def test_a_class_without_examples_is_never_the_answer(labels, missing):
    task = without_label(small_digits(train=120, validation=60, test=60, labels=labels), missing)
    probed = linear_probe(network(), task, strengths=(0.1,), seed=0)
    said = answers(probed.model, task.test)
    assert missing not in said
    np.testing.assert_array_equal(said, pipeline(network(), task, 0.1)["test"] if len(labels) > 2 else said * 0 + 1)
    assert probed.validation == evaluate(probed.model, task.validation)


def test_a_dead_feature_does_no_harm():
    model = stranger()
    with torch.no_grad():
        model[0].weight[2] = 0
        model[0].bias[2] = 0.3  # constant over all images
    probed = linear_probe(model, TASK, strengths=(0.1,), seed=0)
    np.testing.assert_array_equal(answers(probed.model, TASK.test), pipeline(model, TASK, 0.1)["test"])


def test_a_dense_head_is_a_ridge_regression_of_patches_on_features():
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    task, model = small_negatives(train=130), network().eval()
    maps = model.tail(model.cells(model.stem(model.normalise(batch_of(task.train).images)))).detach().double()
    features = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1]).numpy()
    patches = (task.train.targets / 255).reshape(130, 2, 4, 2, 4).transpose(0, 1, 3, 2, 4).reshape(-1, 16)
    for strength in (1e-3, 1.0):
        probed = linear_probe(model, task, strengths=(strength,), seed=0)
        scaler = StandardScaler().fit(features)
        ridge = Ridge(alpha=1 / strength).fit(scaler.transform(features), patches)
        fitted = ridge.predict(scaler.transform(features))
        expected = fitted.reshape(130, 2, 2, 4, 4).transpose(0, 1, 3, 2, 4).reshape(130, 8, 8)
        with torch.no_grad():
            answer = probed.model(batch_of(task.train).images)[:, 0].numpy()
        np.testing.assert_allclose(answer, expected, atol=1e-4)


def test_a_dense_head_gains_something_and_the_best_is_kept():
    task = small_negatives(train=300)
    model = network()
    probed = linear_probe(model, task, strengths=(1e-6, *STRENGTHS), seed=0)
    assert probed.validation == max(score for _, score in probed.trials) == evaluate(probed.model, task.validation)
    assert [strength for strength, _ in probed.trials] == [1e-6, *STRENGTHS]
    assert probed.trials[0][1] < 0.1 < 0.3 < probed.validation
    state = model.state_dict()
    assert all(torch.equal(v, state[n]) for n, v in probed.model.state_dict().items() if not n.startswith("head"))
    assert not probed.model.training
    assert model.training


def test_a_dense_head_of_few_examples_dead_features_and_a_cut_patch():
    model = network()
    fewest = small_negatives(train=1)
    assert evaluate(linear_probe(model, fewest, strengths=(1e30,), seed=0).model, fewest.train) > 0.9

    def cut(split):
        return Split(split.images[:, :7, :6], split.targets[:, :7, :6])

    whole = small_negatives(train=200)
    task = Task("cut", "dense", (), cut(whole.train), cut(whole.validation), cut(whole.test), "")
    dead = network()
    with torch.no_grad():
        for module in dead.tail.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight[0] = module.bias[0] = 0
    for body in (model, dead):
        probed = linear_probe(body, task, seed=0)
        assert probed.model(batch_of(task.test).images).shape == (60, 1, 7, 6)
        assert probed.validation > 0.2
    weight = probed.model.head.linear.weight
    assert weight[:, 0].eq(0).all()
    assert not weight[:, 1].eq(0).any()


def test_unhappy_paths():
    with pytest.raises(ConfigurationError, match="a linear probe needs at least one strength to try; got none"):
        linear_probe(network(), TASK, strengths=(), seed=0)
    with pytest.raises(UnsupportedError, match=r"Sequential is not a network of ours, .* not a dense one"):
        linear_probe(stranger(), small_negatives(), seed=0)
    broken = stranger()
    with torch.no_grad():
        broken[0].weight.fill_(torch.nan)
    with pytest.raises(MeasurementError, match=r"answers of Sequential are not finite numbers; its training has"):
        linear_probe(broken, TASK, seed=0)
    ours = network()
    with torch.no_grad():
        ours.stem.convolution.weight.fill_(torch.nan)
    with pytest.raises(
        MeasurementError, match=r"features of the model are not finite numbers; its training has diverged"
    ):
        linear_probe(ours, small_negatives(), seed=0)
