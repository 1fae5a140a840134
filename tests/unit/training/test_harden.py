"""A stage of hardening: what it leaves, what it keeps, what it refuses, and that it goes on with the same bits."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from archlock.adversaries import Ball, in_evaluation, worst_near
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import conditioning_of
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import Hardening, Immunising, Plan, harden, robust_accuracy
from archlock.training.hardening_state import HardeningState
from archlock.training.sparsity import prunable, weights_left
from foreign_models import plain_network
from tiny_runs import tiny_target

TASK = small_digits(train=48, validation=24, test=24, labels=(0, 1, 2, 3))
PLAN = Plan(4, batch_size=16, learning_rate=0.05, shift=0.0)
SMALL = Ball(8 / 255)


def network() -> nn.Module:
    from archlock.recipes import open_model

    return open_model(plain_network(4), size=(8, 8), channels=1).module


def test_the_model_is_as_sparse_as_asked_everywhere_and_the_given_one_is_left_alone() -> None:
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = harden(model, TASK, PLAN, Hardening(SMALL, steps=1, sparsity=0.8, shape=0.01), seed=0)
    weights = prunable(found.model)
    assert sum(int((weight != 0).sum()) for weight in weights.values()) == weights_left(weights, 0.8)
    assert all((weight.flatten(1) != 0).any(1).all() for weight in weights.values())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not found.model.training
    assert len(found.robust) == 2  # of four epochs those at whose end the masks are fixed
    assert found.epoch == 3 + found.robust.index(max(found.robust))
    ball = Hardening(SMALL).ball
    assert robust_accuracy(found.model, TASK.validation, ball, seed=0) == max(found.robust)


def test_a_dense_stage_prunes_nothing_and_every_epoch_may_be_chosen() -> None:
    found = harden(network(), TASK, replace(PLAN, epochs=2), Hardening(SMALL, steps=1), seed=0)
    assert all(bool((weight != 0).all()) for weight in prunable(found.model).values())
    assert len(found.robust) == 2


def test_the_condition_term_lowers_condition_numbers() -> None:
    def worst(weight: float) -> float:
        asked = Hardening(SMALL, steps=1, condition=weight)
        layers = conditioning_of(harden(network(), TASK, PLAN, asked, seed=0).model)
        return max(one.condition or 0.0 for one in layers)

    assert worst(1.0) < 0.7 * worst(0.0)


def test_a_stage_that_is_killed_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    asked = Hardening(SMALL, steps=1, sparsity=0.5, condition=0.1)
    also = Immunising(tiny_target())

    class Killed(Exception):
        pass

    def kill(done: int, of: int) -> None:
        if done == 2:
            raise Killed

    def run(file: str, progress: Callable[[int, int], None] | None) -> dict[str, torch.Tensor]:
        found = harden(
            network(), TASK, PLAN, asked, immunising=also, checkpoint=tmp_path / file, progress=progress, seed=0
        )
        return found.model.state_dict()

    whole = run("whole.pt", None)
    with pytest.raises(Killed):
        run("killed.pt", kill)
    again = run("killed.pt", None)
    assert all(torch.equal(value, again[name]) for name, value in whole.items())


def test_immunising_moves_the_features_as_its_terms_say() -> None:
    from archlock.models import features_before_head
    from archlock.training import batch_of, spectrum

    own, target = (
        small_digits(train=400, validation=100, test=20, labels=labels) for labels in ((0, 1, 2, 3), (4, 5, 6, 7))
    )
    plan = Plan(10, batch_size=64, learning_rate=0.05, shift=0.0)
    kinds = [batch_of(task.train).images for task in (own, target)]

    def kappas(weight: float) -> list[float]:
        also = Immunising(target, own=weight, other=weight)
        model = harden(network(), own, plan, Hardening(SMALL, steps=1), immunising=also, seed=0).model
        return [spectrum(features_before_head(model, images).double().numpy()).condition for images in kinds]

    without, with_terms = kappas(0.0), kappas(1.0)
    assert with_terms[0] < without[0] / 3
    assert with_terms[1] / with_terms[0] > 3 * without[1] / without[0]


def test_images_of_the_target_leave_no_trace_where_the_terms_weigh_nothing() -> None:
    alone = harden(network(), TASK, PLAN, Hardening(SMALL, steps=1), seed=0)
    also = Immunising(tiny_target(), own=0.0, other=0.0)
    both = harden(network(), TASK, PLAN, Hardening(SMALL, steps=1), immunising=also, seed=0)
    for name, value in alone.model.state_dict().items():
        assert torch.equal(value, both.model.state_dict()[name]), name


def test_weights_that_layers_share_are_constrained_once() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    model[3].weight = model[1].weight
    state = HardeningState(model, TASK, PLAN, Hardening(SMALL, condition=1.0), 0, None)
    assert len(state.constrained) == 2


def test_what_is_trained_on_is_in_the_ball_and_worse_for_the_model() -> None:
    model, numbers = network(), torch.Generator().manual_seed(0)
    images, labels = torch.rand(16, 1, 8, 8, generator=numbers), torch.arange(16) % 4
    for ball in (Ball(0.1), Ball(0.5, "l2")):
        perturbed = worst_near(model.train(), images, labels, ball, 5)
        assert model.training
        assert torch.allclose(ball.project(images, perturbed), perturbed, atol=1e-6)
        assert float(perturbed.min()) >= 0
        assert float(perturbed.max()) <= 1
        with torch.no_grad(), in_evaluation(model):
            losses = [float(nn.functional.cross_entropy(model(x), labels)) for x in (images, perturbed)]
        assert losses[0] < losses[1]
    assert worst_near(model, images, labels, Ball(0.0), 5) is images


def test_what_cannot_be_hardened_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match=r"from 0 \(dense\) to below 1 .*; got 1.2$"):
        Hardening(SMALL, sparsity=1.2)
    with pytest.raises(ConfigurationError, match=r"got 1$"):
        Hardening(SMALL, sparsity=1)
    with pytest.raises(ConfigurationError, match=r"for 90 % write 0\.9"):
        Hardening(SMALL, sparsity=90)
    with pytest.raises(ConfigurationError, match="weight of the condition term is a finite number from 0 on; got -1"):
        Hardening(SMALL, condition=-1)
    with pytest.raises(ConfigurationError, match="a layer would be emptied; the most for this model is"):
        harden(network(), TASK, PLAN, Hardening(SMALL, sparsity=0.999), seed=0)
    with pytest.raises(UnsupportedError, match="hardening is for classes, one for each image"):
        harden(network(), small_negatives(), PLAN, Hardening(SMALL), seed=0)
    with pytest.raises(
        MeasurementError, match=r"diverged in epoch 1 at learning rate 1e\+20; try a smaller one|finite"
    ):
        harden(network(), TASK, PLAN.with_rate(1e20), Hardening(SMALL, steps=1), seed=0)
