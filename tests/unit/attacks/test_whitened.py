import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import features_before_head
from archlock.tasks import Split
from archlock.testing.attacks import PLAN, target_task, trained_network
from archlock.testing.small_tasks import small_negatives
from archlock.training import batch_of, evaluate
from ill_conditioned import PLAN as LONGER
from ill_conditioned import TARGET, mixed, scaled

ATTACK = ATTACKS["whitened"]


def adapted(model, task):
    return ATTACK.adapt(model, task, setting=1.0, plan=PLAN, seed=0, device="cpu")


def test_it_is_the_model_with_another_linear_head():
    model, task = trained_network(), target_task()
    found = adapted(model, task)
    before, after = model.state_dict(), found.model.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == ["head.weight", "head.bias"]
    assert found.validation == evaluate(found.model, task.validation)
    images = batch_of(task.test).images
    with torch.no_grad():
        said = features_before_head(model, images) @ after["head.weight"].T + after["head.bias"]
        torch.testing.assert_close(found.model(images), said, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("turned", [False, True])
def test_ill_conditioned_features_hinder_descent_and_the_usual_probe_and_no_closed_form(turned):
    hidden, asked = mixed(scaled(turned=turned)), {"plan": LONGER, "seed": 0}
    for name in ("ridge", "whitened"):
        plain = ATTACKS[name].run(trained_network(), TARGET, **asked).test
        assert plain > 0.7
        assert ATTACKS[name].run(hidden, TARGET, **asked).test > plain - 0.1
    for name in ("direct_head", "linear_probe") if turned else ("direct_head",):
        assert ATTACKS[name].run(hidden, TARGET, **asked).test < 0.5


@pytest.mark.parametrize("name", ["ridge", "whitened"])
@pytest.mark.parametrize("rows", [[0], [0, 1, 2]])
def test_very_few_images_and_one_class_are_attacked_and_not_a_crash(name, rows):
    task = target_task()
    few = Split(task.train.images[rows], np.full(len(rows), 3))
    outcome = ATTACKS[name].run(trained_network(), replace(task, train=few), plan=PLAN, seed=0)
    assert outcome.validation == np.mean(task.validation.targets == 3), "the only class that they know"


@pytest.mark.parametrize("name", ["ridge", "whitened"])
def test_constant_features_give_the_largest_class_and_ruined_ones_no_outcome(name):
    model, task = trained_network(), target_task()
    constant, ruined = mixed(torch.zeros(16, 16)), copy.deepcopy(model)
    outcome = ATTACKS[name].run(constant, task, plan=PLAN, seed=0)
    largest = np.bincount(task.train.targets).argmax()
    assert outcome.validation == np.mean(task.validation.targets == largest)
    next(ruined.parameters()).data.fill_(torch.nan)
    with pytest.raises(MeasurementError, match="the features of the model are not finite numbers"):
        ATTACKS[name].run(ruined, task, plan=PLAN, seed=0)


def test_a_dense_target_has_no_classes():
    with pytest.raises(UnsupportedError, match="'negatives' is a dense task; attack 'whitened' needs classes"):
        ATTACK.run(trained_network(), small_negatives(), plan=PLAN, seed=0)
