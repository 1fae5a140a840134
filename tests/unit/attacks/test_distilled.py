import copy
from dataclasses import replace

import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.attacks.distilled import student_for
from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import build, count_parameters, reinitialised, with_new_head
from archlock.models.ordinary import Ordinary
from archlock.testing.attacks import ARCHITECTURE, HOPELESS, PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives
from archlock.training import distil, fit

ATTACK = ATTACKS["distilled"]


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def test_it_is_a_distillation_into_another_network_and_a_training_with_a_new_head():
    model, task, plan = trained_network(), target_task(), replace(PLAN, epochs=5)
    state = copy.deepcopy(model.state_dict())
    adapted = ATTACK.adapt(model, task, setting=0.1, plan=plan, seed=1, device="cpu")
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    first, second = (replace(plan.with_rate(0.1), epochs=epochs) for epochs in (3, 2))
    student = student_for(model, task, seed=1)
    taught = distil(student, model, task, first, seed=1)
    expected = fit(with_new_head(taught, task.signature, seed=1), task, second, seed=1)
    assert adapted.validation == expected.validation
    assert same(adapted.model, expected.model)
    assert isinstance(adapted.model, Ordinary)
    assert not same(taught, student)


def test_the_student_is_of_the_size_of_the_model_and_has_its_outputs():
    model = build(ARCHITECTURE, target_task().signature, width=16, depth=1, seed=0)
    wide = with_new_head(model, replace(target_task().signature, outputs=23), seed=0)
    student = student_for(wide, target_task(), seed=0)
    assert student.head.out_features == 23
    assert count_parameters(student) == pytest.approx(count_parameters(wide), rel=0.1)


def test_what_the_teacher_knows_matters():
    model, task = trained_network(), target_task()
    other = reinitialised(model, seed=5)
    one, two = (ATTACK.adapt(m, task, setting=0.1, plan=PLAN, seed=0, device="cpu").model for m in (model, other))
    assert not same(one, two)


def test_what_has_no_logits_is_not_distilled():
    dense = small_negatives(train=8, validation=4, test=4)
    with pytest.raises(UnsupportedError, match="'negatives' is a dense task; a model is distilled by its logits"):
        ATTACK.run(trained_network(), dense, plan=PLAN, seed=0)
    model = build(ARCHITECTURE, dense.signature, width=2, depth=1, seed=0)
    with pytest.raises(UnsupportedError, match=r"the head of Network is a DenseDecoder, not the nn.Linear of a class"):
        ATTACK.run(model, target_task(), plan=PLAN, seed=0)


def test_a_rate_that_is_too_high_is_no_outcome():
    with pytest.raises(MeasurementError, match=r"attack 'distilled' on 'digits': every setting diverged: \(1e\+30,\)"):
        ATTACK.run(trained_network(), target_task(), plan=PLAN, settings=(HOPELESS,), seed=0)
