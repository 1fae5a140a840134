import numpy as np
import pytest
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.models import build
from archlock.spaces import Architecture
from archlock.tasks import Split
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import evaluate, only_answer


def network(task):
    return build(Architecture("nasbench201", "314321"), task.signature, width=4, depth=1, seed=0)


def test_accuracy_is_the_share_of_right_answers():
    task = small_digits(train=700, validation=2, test=2)
    model = network(task)
    images = torch.tensor(task.train.images[..., 0] / 255, dtype=torch.float32)[:, None]
    with torch.no_grad():
        answers = model.eval()(images).tolist()
    pairs = zip(answers, task.train.targets, strict=True)
    right = sum(max(range(10), key=row.__getitem__) == label for row, label in pairs)
    assert 0 < right < 700
    assert evaluate(model, task.train) == right / 700


def test_r_squared_is_that_of_all_pixels_together():
    from sklearn.metrics import r2_score

    task = small_negatives(train=600, validation=2, test=2)
    model = network(task)
    with torch.no_grad():
        images = torch.tensor(task.train.images / 255, dtype=torch.float32).permute(0, 3, 1, 2)
        answers = model.eval()(images).double().numpy()
    wanted = (task.train.targets / 255).transpose(0, 3, 1, 2)
    assert evaluate(model, task.train) == pytest.approx(r2_score(wanted.ravel(), answers.ravel()), rel=1e-6)


class Negative(nn.Module):
    def forward(self, images):
        return 1 - images


class Mean(nn.Module):
    def forward(self, images):
        return torch.full_like(images, self.value)


def test_r_squared_of_a_perfect_answer_and_of_the_mean():
    task = small_negatives()
    assert evaluate(Negative(), task.test) == pytest.approx(1, abs=1e-6)
    constant = Mean()
    constant.value = float(task.test.targets.mean() / 255)
    assert evaluate(constant, task.test) == pytest.approx(0, abs=1e-6)
    grey = Split(task.test.images, np.full_like(task.test.targets, 128))
    assert evaluate(constant, grey) < 0  # no variance to explain: finite all the same
    assert np.isfinite(evaluate(constant, grey))


def test_every_module_is_left_in_its_mode_and_evaluation_mode_is_used():
    task = small_digits(test=200)
    model = network(task).train()
    model.stem.eval()
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    score = evaluate(model, task.test)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert score == evaluate(model.eval(), task.test)
    assert not model.training

    class Fails(nn.Module):
        def forward(self, images):
            raise RuntimeError("out of order")

    broken = Fails()
    with pytest.raises(RuntimeError, match="out of order"):
        evaluate(broken, task.test)
    assert broken.training


def test_answers_that_are_not_numbers():
    task = small_digits()
    model = network(task)
    with torch.no_grad():
        model.head.bias[3] = torch.nan
    with pytest.raises(
        MeasurementError, match="answers of the model are not finite numbers; its training has diverged"
    ):
        evaluate(model, task.test)
    assert model.training


class Answers(nn.Module):
    """Answers by a rule, whatever the mode; counts in which mode it was asked."""

    def __init__(self, rule):
        super().__init__()
        self.rule = rule

    def forward(self, images):
        return nn.functional.one_hot(self.rule(images), 10).float()


def test_a_model_that_answers_one_class_is_found_out():
    task = small_digits(train=700, validation=2, test=2)
    always = Answers(lambda images: torch.full((len(images),), 3))
    by_light = Answers(lambda images: (images.mean((1, 2, 3)) > 0.3).long())
    assert only_answer(always, task.train, device="cpu") == 3
    assert only_answer(by_light, task.train, device="cpu") is None
    assert only_answer(network(task).train(), task.train.take([0]), device="cpu") is not None, (
        "of one image there is one"
    )
    assert only_answer(always, small_negatives().test, device="cpu") is None, "pixels are no classes"
    assert always.training
