"""What every nontransferable training must keep: ``for check in NONTRANSFERABLE_CHECKS: check(training)``.

Plug-in authors run it on a training of their own. The task is real, and as small as it gets: forty handwritten digits.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import nn

from archlock.models import build, linear_head
from archlock.spaces import Architecture
from archlock.tasks import Task
from archlock.testing.small_tasks import small_digits
from archlock.training import (
    Nontransferable,
    NontransferableTraining,
    Plan,
    evaluate,
    fit,
    train_nontransferable,
)

PLAN = Plan(2, batch_size=8, learning_rate=0.05, shift=0.0)


@cache
def source_and_target() -> tuple[Task, Task]:
    """Is it a zero, a one or a two; is it a five or a six?"""
    return (
        small_digits(train=40, validation=24, test=4, labels=(0, 1, 2)),
        small_digits(train=24, validation=8, test=4, labels=(5, 6)),
    )


@cache
def plainly_trained() -> nn.Module:
    """A small network that knows the source a little."""
    source, _ = source_and_target()
    model = build(Architecture("nasbench201", "314321"), source.signature, width=4, depth=1, seed=0)
    return fit(model, source, PLAN, seed=0).model


@cache
def trained_on(training: NontransferableTraining, *, floor: float = 0.0, seed: int = 0) -> Nontransferable:
    """The network after the training, in two rounds."""
    source, target = source_and_target()
    return train_nontransferable(plainly_trained(), source, [target], training, PLAN, floor=floor, seed=seed)


def bits(model: nn.Module) -> list[list[float]]:
    """All numbers of a model."""
    return [value.flatten().tolist() for value in model.state_dict().values()]


def describes_itself(training: NontransferableTraining) -> None:
    """Name, paper and summary are there, and a step costs something."""
    assert training.name
    assert training.paper
    assert training.summary
    assert training.batches_per_step >= 2


def leaves_no_footprints(training: NontransferableTraining) -> None:
    """The given network, its modes and gradients, and the global generators stay as they were."""
    model = plainly_trained()
    before, modes = bits(model), [part.training for part in model.modules()]
    gradients = [parameter.grad for parameter in model.parameters()]
    chance = torch.random.get_rng_state().tolist(), str(np.random.get_state())  # noqa: NPY002
    made = trained_on.__wrapped__(training).model
    assert bits(model) == before != bits(made)
    assert [part.training for part in model.modules()] == modes
    assert all(one.grad is old for one, old in zip(model.parameters(), gradients, strict=True))
    assert all(parameter.grad is None for parameter in made.parameters())
    assert (torch.random.get_rng_state().tolist(), str(np.random.get_state())) == chance  # noqa: NPY002


def makes_an_ordinary_network(training: NontransferableTraining) -> None:
    """Of the same structure, in evaluation mode, all of it trainable; and it is what it says it is on the source."""
    source, _ = source_and_target()
    made, given = trained_on(training), plainly_trained()
    assert repr(made.model) == repr(given)
    assert linear_head(made.model).out_features == 3
    assert not any(part.training for part in made.model.modules())
    assert all(parameter.requires_grad for parameter in made.model.parameters())
    assert made.validation == made.curve[made.kept - 1] == evaluate(made.model, source.validation)
    assert made.before == evaluate(given, source.validation)


def is_decided_by_the_seed(training: NontransferableTraining) -> None:
    """Same seed, same bits, wherever the global generators stand; another seed, another network."""
    first = trained_on(training)
    torch.rand(3)
    again = trained_on.__wrapped__(training)
    assert bits(first.model) == bits(again.model) != bits(trained_on(training, seed=1).model)
    assert (first.curve, first.losses, first.images) == (again.curve, again.losses, again.images)


def gives_up_where_the_floor_would_break(training: NontransferableTraining) -> None:
    """Where no round keeps the floor, the network comes back as it was given."""
    made = trained_on(training, floor=1.1)
    assert (made.kept, len(made.curve)) == (0, 2)
    assert bits(made.model) == bits(plainly_trained())
    assert made.validation == made.before


def costs_about_its_plain_training(training: NontransferableTraining) -> None:
    """As many images as the plan's own training, or a step more a round: a round has one at least."""
    source, _ = source_and_target()
    step = training.batches_per_step * PLAN.batch_size
    spent, plain = trained_on(training).images, PLAN.epochs * len(source.train)
    assert 0 < spent < plain + PLAN.epochs * step


NONTRANSFERABLE_CHECKS: tuple[Callable[[NontransferableTraining], None], ...] = (
    describes_itself,
    leaves_no_footprints,
    makes_an_ordinary_network,
    is_decided_by_the_seed,
    gives_up_where_the_floor_would_break,
    costs_about_its_plain_training,
)
