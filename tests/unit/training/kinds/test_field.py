import numpy as np
import pytest
import torch

from archlock.models import build
from archlock.tasks import Split
from archlock.testing.attacks import ARCHITECTURE, trained_network
from archlock.testing.small_tasks import small_field
from archlock.training import LEARNING, Plan, batch_of, evaluate, fit, fit_many, linear_probe, loss_of
from archlock.training.augmentation import augmented

KIND = LEARNING["field"]


class Constant(torch.nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def forward(self, images):
        return self.answer.expand(len(images), *self.answer.shape)


def test_the_loss_and_the_score_are_relative():
    task = small_field(train=30, validation=20, test=5)
    batch = batch_of(task.validation)
    mean = batch.targets.mean(0)
    errors = [float((y - mean).norm() / y.norm()) for y in batch.targets]
    assert float(loss_of(mean.expand_as(batch.targets), batch.targets, kind=batch.kind)) == pytest.approx(
        np.mean(errors), abs=1e-6
    )
    assert evaluate(Constant(mean), task.validation) == pytest.approx(1 - np.mean(errors), abs=1e-6)
    larger = Split(task.validation.images, task.validation.targets * 1000)
    assert evaluate(Constant(mean * 1000), larger) == pytest.approx(1 - np.mean(errors), abs=1e-5)


def test_losses_of_several_are_those_of_each():
    answers, targets = torch.rand(2, 5, 1, 3, 4), torch.rand(2, 5, 1, 3, 4)
    each = torch.stack([loss_of(a, t, kind="field") for a, t in zip(answers, targets, strict=True)])
    torch.testing.assert_close(KIND.losses(answers, targets, label_smoothing=0.0), each)


def test_images_are_not_moved():
    task = small_field(train=8, validation=2, test=2)
    known = {
        image.tobytes(): field.tobytes() for image, field in zip(task.train.images, task.train.targets, strict=True)
    }
    for batch in augmented(task.train, Plan(1, batch_size=4, flip=True), 0):
        for image, field in zip(batch.images, batch.targets, strict=True):
            assert known[image.tobytes()] == field.tobytes()


def test_one_training_and_many_are_the_same_and_a_probe_beats_the_mean_field():
    task = small_field(train=64, validation=30, test=30)
    plan, model = Plan(3, batch_size=16), build(ARCHITECTURE, task.signature, width=4, depth=1, seed=0)
    one = fit(model, task, plan, seed=0)
    (other,) = fit_many([model], task, plan, seeds=[0])
    assert one.validation == pytest.approx(other.validation, abs=1e-5)
    np.testing.assert_allclose(one.losses, other.losses, rtol=1e-5)
    assert linear_probe(trained_network(), task, seed=0).validation > one.validation
