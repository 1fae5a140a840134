import copy
import math

import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError
from archlock.models import build, ordinary
from archlock.spaces import Architecture
from archlock.tasks import Task
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, batch_of, distil, fit
from archlock.training.distil import softened_divergence

TASK = small_digits(train=200, validation=60, test=2, labels=(0, 1, 2, 3))
PLAN = Plan(6, batch_size=16, learning_rate=0.1, shift=0.0)


def teacher():
    model = build(Architecture("nasbench201", "333333"), TASK.signature, width=4, depth=1, seed=0)
    return fit(model, TASK, Plan(4, batch_size=16, shift=0.0), seed=0).model


def student():
    return ordinary(TASK.signature, parameters=3_000, seed=0)


def agreement(one, other):
    images = batch_of(TASK.validation).images
    with torch.no_grad():
        return float((one.eval()(images).argmax(1) == other.eval()(images).argmax(1)).double().mean())


def test_the_student_answers_as_the_teacher_does():
    master, begun = teacher(), student()
    state = copy.deepcopy(master.state_dict())
    first = copy.deepcopy(begun.state_dict())
    taught = distil(begun, master.train(), TASK, PLAN, seed=0)
    assert agreement(taught, master) > max(0.75, agreement(begun, master) + 0.3)
    assert not taught.training
    assert all(torch.equal(value, state[name]) for name, value in master.state_dict().items())
    assert all(torch.equal(value, first[name]) for name, value in begun.state_dict().items())


def test_no_label_is_looked_at_and_no_other_split():
    wrong = [split.take(range(len(split))) for split in (TASK.train, TASK.validation, TASK.test)]
    for split in wrong:
        split.targets[:] = 0
    other = Task("digits", "classification", TASK.classes, *wrong, origin="scikit-learn")
    begun, master, plan = student(), teacher(), Plan(1, batch_size=16, shift=0.1)
    before = torch.random.get_rng_state()
    one, same = (distil(begun, master, task, plan, seed=3).state_dict() for task in (TASK, other))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    another = distil(begun, master, TASK, plan, seed=4).state_dict()
    assert not torch.equal(one["head.weight"], another["head.weight"])


def test_every_epoch_sees_all_images_in_an_order_of_its_own():
    seen = []
    master = teacher()
    master.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    distil(student(), master, TASK, Plan(3, batch_size=50, shift=0.0), seed=0)
    epochs = [torch.cat(seen[start : start + 4]).flatten(1) for start in (0, 4, 8)]
    assert len(seen) == 12
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert not torch.equal(epochs[one], epochs[other])
        torch.testing.assert_close(epochs[one].sum(0), epochs[other].sum(0))


def test_the_loss_is_the_divergence_of_the_softened_answers():
    generator = torch.Generator().manual_seed(0)
    answers, taught = torch.randn(2, 7, 5, generator=generator, dtype=torch.float64)
    for temperature in (0.5, 4.0):
        wanted, found = ((logits / temperature).softmax(1) for logits in (taught, answers))
        expected = temperature**2 * (wanted * (wanted.log() - found.log())).sum(1).mean()
        torch.testing.assert_close(softened_divergence(answers, taught, temperature), expected)
    assert softened_divergence(taught, taught, 4.0) == 0


def test_a_high_temperature_matches_logits():
    """Hinton et al. 2015, equation 4: of logits with mean zero the gradient goes to their difference / N."""
    taught = torch.tensor([[1.0, -3.0, 2.0]], dtype=torch.float64)
    answers = torch.tensor([[0.5, 0.5, -1.0]], dtype=torch.float64, requires_grad=True)
    softened_divergence(answers, taught, 1e4).backward()
    torch.testing.assert_close(answers.grad, (answers - taught).detach() / 3, rtol=1e-3, atol=1e-4)


def test_what_cannot_be():
    with pytest.raises(ConfigurationError, match="needs a temperature > 0; got 0"):
        distil(student(), teacher(), TASK, PLAN, temperature=0.0, seed=0)
    ruined = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    nn.init.constant_(ruined[1].weight, math.nan)
    with pytest.raises(MeasurementError, match="training on 'digits' diverged in epoch 1 at learning rate"):
        distil(student(), ruined, TASK, PLAN, seed=0)
