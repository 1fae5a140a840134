"""Models of strangers: every attacker does to them what it does to the same model taken apart by hand."""

import copy
import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from archlock import open_model
from archlock.attacks import ATTACKS
from archlock.errors import UnsupportedError
from archlock.models import as_classifier, with_new_head
from archlock.seeding import derive_seed
from archlock.tasks import Split, Task
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, batch_of, evaluate
from archlock.training.augmentation import augmented
from archlock.training.descent import set_rate
from foreign_zoo import CLASSES, strangers

warnings.filterwarnings("ignore", "`torch.nn.utils.weight_norm` is deprecated", FutureWarning)
STRANGERS = strangers()
TASK = small_digits(train=60, validation=40, test=60, labels=(2, 3, 5, 8))
PLAN = Plan(2, batch_size=16)
SHORT = Plan(1, batch_size=16)
NAMES = sorted(STRANGERS)


def taken_apart(name, model=None):
    return as_classifier(model or STRANGERS[name].model, (1, 8, 8))


@pytest.mark.parametrize("name", NAMES)
def test_body_and_head_are_what_one_who_knows_the_model_takes_apart(name):
    stranger = STRANGERS[name]
    found, known = taken_apart(name), stranger.classifier()
    images = torch.rand(7, 1, 8, 8)
    for mode in (False, True):
        torch.testing.assert_close(found.train(mode).body(images), known.train(mode).body(images))
    torch.testing.assert_close(found.head.weight, known.head.weight)
    torch.testing.assert_close(found.head.bias, known.head.bias)


@pytest.mark.parametrize("attacker", sorted(ATTACKS))
@pytest.mark.parametrize("name", NAMES)
def test_every_attacker_gets_what_it_gets_from_the_model_taken_apart_by_hand(name, attacker):
    def attacked(model):
        attack = ATTACKS[attacker]
        try:
            outcome = attack.run(model, TASK, plan=SHORT, settings=attack.starts()[:1], seed=3)
        except UnsupportedError as error:
            return str(error).replace("body.model", "").partition(";")[0]
        return outcome.validation, outcome.test

    result = attacked(STRANGERS[name].model)
    assert result == attacked(STRANGERS[name].classifier())
    if isinstance(result, str):
        assert (name, attacker) == ("vision transformer", "from_scratch")
        assert "nothing says how to set .*cls_token" in result or "cls_token" in result


@pytest.mark.parametrize("name", NAMES)
def test_a_probe_is_a_regression_on_the_features_and_its_validation_score_the_models(name):
    known = STRANGERS[name].classifier().eval()

    def features(split):
        with torch.no_grad():
            return known.body(batch_of(split).images).numpy()

    regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    regression.fit(features(TASK.train), TASK.train.targets)
    outcome = ATTACKS["linear_probe"].run(STRANGERS[name].model, TASK, plan=PLAN, settings=(0.1,), seed=0)
    for split, score in ((TASK.validation, outcome.validation), (TASK.test, outcome.test)):
        assert score == pytest.approx(regression.score(features(split), split.targets), abs=1.5 / len(split))


@pytest.mark.parametrize("name", NAMES)
def test_fine_tuning_is_descent_on_all_weights(name):
    outcome = ATTACKS["fine_tune"].run(STRANGERS[name].model, TASK, plan=PLAN, settings=(0.05,), seed=4)
    model = STRANGERS[name].classifier()
    model.head = copy.deepcopy(with_new_head(STRANGERS[name].model, TASK.signature, seed=4).head)  # the same draw
    model.train()
    plan = PLAN.with_rate(0.05)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": plan.weight_decay},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    descent = torch.optim.SGD(groups, lr=0.05, momentum=plan.momentum, nesterov=True)
    step = 0
    for epoch in range(plan.epochs):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(4, "epoch", epoch))
            for split in augmented(TASK.train, plan, derive_seed(4, "epoch", epoch)):
                set_rate(descent, plan, step=step, examples=len(TASK.train))
                batch = batch_of(split)
                loss = nn.functional.cross_entropy(
                    model(batch.images), batch.targets, label_smoothing=plan.label_smoothing
                )
                descent.zero_grad()
                loss.backward()
                descent.step()
                step += 1
    for split, score in ((TASK.validation, outcome.validation), (TASK.test, outcome.test)):
        assert score == pytest.approx(evaluate(model, split), abs=2.5 / len(split))


def test_half_precision_is_attacked_in_float32():
    whole = STRANGERS["group norm"].model
    opened = open_model(copy.deepcopy(whole).half(), size=(8, 8))
    found = opened.module
    assert {p.dtype for p in found.parameters()} == {torch.float32}
    with torch.no_grad():
        torch.testing.assert_close(found(torch.ones(2, 1, 8, 8)), whole(torch.ones(2, 1, 8, 8)), atol=1e-2, rtol=1e-2)


def test_what_is_out_of_the_ordinary_is_said():
    for name, words in (
        ("two heads", "its 2 classifiers (head, second) are taken as one head"),
        ("softmax", "the softmax behind its head is left off"),
        ("group norm", ""),
    ):
        opened = open_model(copy.deepcopy(STRANGERS[name].model), size=(8, 8))
        assert opened.origin.removeprefix("a module given in Python").removeprefix("; ") == words


class Cosine(nn.Linear):
    def forward(self, given):
        return 10 * nn.functional.linear(nn.functional.normalize(given), nn.functional.normalize(self.weight))


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(64, 8), nn.Linear(8, CLASSES)

    def forward(self, images):
        with torch.no_grad():
            features = self.body(images.flatten(1)).relu()
        return self.head(features)


class EvaluatesOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, CLASSES)

    def forward(self, images):
        if self.training:
            raise ValueError("images and targets should both be given")
        return self.head(images.flatten(1))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, CLASSES)

    def forward(self, images):
        return self.head(images.flatten(1)) + self.head(images.flip(3).flatten(1))


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(CLASSES, 64))

    def forward(self, images):
        return images.flatten(1) @ self.weight.T


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            nn.Sequential(nn.Flatten(), Cosine(64, CLASSES)),
            r"classifier of Sequential \(1\) is not a plain linear layer",
        ),
        (Frozen(), r"no gradient reaches the body of Frozen: its forward pass cuts it"),
        (EvaluatesOnly(), r"EvaluatesOnly answers in evaluation mode and fails while it trains \(images and targets"),
        (Twice(), r"Twice has no nn.Linear and no convolution that makes its 5 answers"),
        (Functional(), r"Functional has no nn.Linear and no convolution that makes its 5 answers"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES), nn.ReLU()),
            r"the answer of Sequential does not come from its classifier alone: .* \(1\)",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(64, CLASSES), nn.Unflatten(1, (1, 5))),
            r"Sequential answers \(4, 1, 5\)",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(65, CLASSES)),
            r"cannot take images of channels x height x width \(1, 8, 8\)",
        ),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_with_the_reason(model, words):
    with pytest.raises(UnsupportedError, match=words):
        ATTACKS["linear_probe"].run(model, TASK, plan=PLAN, seed=0)


def test_answers_that_look_like_shares_by_accident_are_taken_as_they_are():
    for seed in range(60):  # (of networks that see little in noise, a few answer between 0 and 1 alone)
        torch.manual_seed(seed)
        flat = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 1))
        nn.init.zeros_(flat[0].weight)
        assert as_classifier(flat, (1, 8, 8)).head.in_features == 64


def test_wrappers_of_whole_models_are_taken_off():
    inner = STRANGERS["group norm"].model
    found = taken_apart("group norm", nn.DataParallel(inner))
    images = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        np.testing.assert_allclose(found(images), inner(images), rtol=1e-5, atol=1e-6)


def test_a_folder_whose_processor_turns_the_colours_is_probed_as_its_library_prepares_images(tmp_path):
    from transformers import MobileViTConfig, MobileViTForImageClassification, MobileViTImageProcessor

    torch.manual_seed(2)
    config = MobileViTConfig(
        num_labels=3, image_size=64, hidden_sizes=[8, 12, 16], neck_hidden_sizes=[4, 4, 8, 8, 12, 16, 24],
        num_attention_heads=2, mlp_ratio=2.0,
    )  # fmt: skip
    model = MobileViTForImageClassification(config).eval()
    for module in model.modules():  # (as the library draws them, they say next to nothing)
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    processor = MobileViTImageProcessor(
        size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}, do_flip_channel_order=True
    )
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    task = squares()

    def features(split):
        pixels = processor(list(split.images), return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            return model.mobilevit(pixels).pooler_output.numpy()

    opened = open_model(tmp_path)
    with torch.no_grad():
        known = opened.module.body(batch_of(task.test).images).numpy()
    np.testing.assert_allclose(known, features(task.test), rtol=1e-3, atol=1e-4)
    outcome = ATTACKS["linear_probe"].run(opened.module, task, plan=PLAN, settings=(0.1,), seed=0)
    assert outcome.test > 0.6


def squares():
    """Red, green and blue squares, 64 x 64."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    images = rng.integers(60, 120, (120, 64, 64, 3)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[16:48, 16:48, label] += 90
    parts = [Split(images[rows], labels[rows]) for rows in (slice(0, 60), slice(60, 90), slice(90, 120))]
    return Task("squares", "classification", ("red", "green", "blue"), *parts, "made for this test")
