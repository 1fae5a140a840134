import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.tasks import conform
from archlock.testing.nontransferable import PLAN, bits, plainly_trained, source_and_target
from archlock.testing.small_tasks import small_digits, small_labels, small_negatives
from archlock.training import (
    NONTRANSFERABLE,
    NontransferableTraining,
    check_restricted,
    evaluate,
    fit,
    linear_probe,
    train_nontransferable,
)
from archlock.training.nontransferable.ntl import Ntl

NTL = NONTRANSFERABLE["ntl"]
SOURCE, TARGET = source_and_target()


class Stop(Exception):
    """As a kill would."""


class Scripted(NontransferableTraining):
    """Takes the head of the source away in the second round, and remembers which target each step was against."""

    name, paper, summary = "scripted", "none", "does as it is asked"
    batches_per_step = 1

    def __init__(self, answers: Iterable[float] = ()) -> None:
        self.met: list[int] = []
        self.answers = iter(answers)

    def optimisers(self, parameters):
        return (torch.optim.SGD(parameters, lr=0.1),)

    def step(self, model, optimisers, source, target):
        batch = next(target.batches)
        self.met.append(target.head.out_features)
        assert batch.images.shape[1:] == (1, 8, 8)
        assert not target.head.weight.requires_grad
        if len(self.met) > len(SOURCE.train) // PLAN.batch_size:  # the second round: the source is forgotten
            nn.init.zeros_(model.head.weight)
            nn.init.constant_(model.head.bias, -1)
        return next(self.answers, 0.0)


def run(training=NTL, targets=(TARGET,), *, model=None, plan=PLAN, **more):
    return train_nontransferable(
        model or plainly_trained(), SOURCE, targets, training, plan, **{"floor": 0.0, "seed": 0, **more}
    )


def test_the_last_round_that_keeps_the_floor_is_released():
    had = evaluate(plainly_trained(), SOURCE.validation)
    found = run(Scripted(), floor=had)
    assert found.kept == 1
    assert (found.before, found.validation, found.curve[0]) == (had, had, had)
    assert found.curve[1] < had
    assert bits(found.model) == bits(plainly_trained())
    assert run(Scripted()).kept == 2, "a floor of nothing is always kept"


def test_targets_meet_in_turn_and_are_conformed():
    other = conform(small_digits(train=12, validation=4, test=2, labels=(5, 6, 7)), (3, 12, 12))
    training = Scripted()
    run(training, (TARGET, other))
    assert training.met == [2, 3] * (len(SOURCE.train) // PLAN.batch_size)


@pytest.mark.parametrize("name", ["ntl", "sophon"])
def test_taken_up_after_a_kill_it_is_the_same_bit_for_bit(tmp_path, name):
    whole, calls = run(NONTRANSFERABLE[name]), []

    def kill(*now):
        calls.append(now)
        raise Stop

    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(Stop):
        run(NONTRANSFERABLE[name], checkpoint=checkpoint, progress=kill)
    resumed = run(NONTRANSFERABLE[name], checkpoint=checkpoint, progress=lambda *now: calls.append(now))
    assert calls == [(1, 2), (2, 2)]
    assert bits(resumed.model) == bits(whole.model)
    assert (resumed.curve, resumed.losses, resumed.images) == (whole.curve, whole.losses, whole.images)
    again = run(NONTRANSFERABLE[name], checkpoint=checkpoint, progress=lambda *_: pytest.fail("trained again"))
    assert bits(again.model) == bits(whole.model)
    other = run(Ntl(learning_rate=0.01), checkpoint=checkpoint)
    assert bits(other.model) == bits(run(Ntl(learning_rate=0.01)).model), "not the checkpoint of another training"


@pytest.mark.parametrize("name", ["ntl", "sophon"])
def test_rates_that_are_too_high_are_said(name):
    changes = {"learning_rate": 1e30} if name == "ntl" else {"suppress_rate": 1e30, "reinforce_rate": 1e30}
    training = replace(NONTRANSFERABLE[name], **changes)
    words = rf"nontransferable training \({name}\) on 'digits' diverged in round \d of 8|answers of the model are not"
    with pytest.raises(MeasurementError, match=words):
        run(training, plan=replace(PLAN, epochs=8))


def test_a_loss_that_is_no_number_is_said():
    with pytest.raises(
        MeasurementError, match=r"\(scripted\) on 'digits' diverged in round 1 of 2: its loss is no fin"
    ):
        run(Scripted([0.5, math.nan]))


def test_a_stranger_is_trained_as_well():
    torch.manual_seed(0)
    body = (nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten())
    model = fit(nn.Sequential(*body, nn.Linear(256, 3)), SOURCE, PLAN, seed=0).model
    found = run(model=model)
    assert len(found.curve) == 2
    assert bits(found.model) == bits(run(model=model).model)


@pytest.mark.parametrize(
    ("targets", "error", "words"),
    [
        ((), ConfigurationError, "needs a target to be hard for, known or simulated; got none"),
        ((small_negatives(train=8, validation=4, test=2),), UnsupportedError, "'negatives' is a dense task; a nontr"),
        ((small_labels(train=8, validation=4, test=2),), UnsupportedError, "'traits' is a labels task; a nontransf"),
        (
            (small_digits(train=3, validation=4, test=2, labels=(0, 1)),),
            UnsupportedError,
            "needs 4 training examples of a target at least; 'digits' has 3",
        ),
    ],
)
def test_what_cannot_be_trained_against_is_refused_in_words(targets, error, words):
    with pytest.raises(error, match=words):
        check_restricted(targets)
    with pytest.raises(error, match=words):
        run(targets=targets)


def test_labels_are_a_source_like_any_other():
    source = small_labels(train=24, validation=12, test=4)
    model = linear_probe(plainly_trained(), source, strengths=(0.1,), seed=0).model
    found = train_nontransferable(model, source, [TARGET], NTL, PLAN, floor=-1.0, seed=0)
    assert found.kept == 2
    assert found.validation == evaluate(found.model, source.validation)
