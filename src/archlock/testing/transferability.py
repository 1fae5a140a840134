"""What every transferability estimate must keep: ``for check in ESTIMATE_CHECKS: check(estimate)``.

Plug-in authors run it on an estimate of their own. The features are real: handwritten digits that the model was not
trained on, seen by a network that was trained on others.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import get_args

import numpy as np
import torch
from torch import nn

from archlock.errors import ArchLockError, MeasurementError, UnsupportedError
from archlock.seeding import rng_for
from archlock.tasks import Task
from archlock.testing.attacks import trained_network
from archlock.testing.small_tasks import small_digits
from archlock.transferability import Estimate, Features, Need, features_of

CLASSES = (5, 6, 7, 8, 9)


@cache
def digit_features() -> Features:
    """Of 250 digits 5 to 9, by a network that was trained on 0 to 4."""
    return features_of(trained_network(), digits_task(), seed=0)


def digits_task() -> Task:
    """Which of the digits 5 to 9 is it?"""
    return small_digits(train=250, validation=40, test=30, labels=CLASSES)


def describes_itself(estimate: Estimate) -> None:
    """Name, paper and unit are there, and what it needs is one of the things there are."""
    assert estimate.name
    assert estimate.paper
    assert estimate.unit
    assert estimate.needs in get_args(Need)


def is_the_same_again(estimate: Estimate) -> None:
    """A finite float, the same bits again wherever the global generators stand, which it leaves alone."""
    value = estimate.estimate(digit_features(), seed=3)
    assert isinstance(value, float)
    assert math.isfinite(value)
    torch.rand(5)
    np.random.rand(5)  # noqa: NPY002  (the global generator is what must not matter)
    before = torch.random.get_rng_state().tolist(), str(np.random.get_state())  # noqa: NPY002
    assert estimate.estimate(digit_features(), seed=3) == value
    assert (torch.random.get_rng_state().tolist(), str(np.random.get_state())) == before  # noqa: NPY002
    if not estimate.uses_chance:
        assert estimate.estimate(digit_features(), seed=4) == value


def leaves_the_model_alone(estimate: Estimate) -> None:
    """Weights, statistics, modes, hooks and gradients of the model are as before; a new reading gives the same bits."""
    model = trained_network().train()
    next(model.children()).eval()  # a mode of its own, which must survive
    state = {name: value.clone() for name, value in model.state_dict().items()}
    before = _state_of(model)
    value = estimate.estimate(features_of(model, digits_task(), seed=0), seed=0)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert _state_of(model) == before
    assert value == estimate.estimate(digit_features(), seed=0)


def reads_what_it_needs_alone(estimate: Estimate) -> None:
    """Whatever it does not need may be missing or nonsense, with the same bits."""
    given = digit_features()
    if estimate.needs == "features":
        other = replace(given, source_probabilities=None)
    else:
        other = replace(given, features=np.ones((len(given), 1)))
    assert estimate.estimate(other, seed=0) == estimate.estimate(given, seed=0)


def names_of_classes_play_no_part(estimate: Estimate) -> None:
    """Permuted labels, and classes without examples between them, give the same value up to rounding."""
    given = digit_features()
    value = estimate.estimate(given, seed=0)
    names = np.array([8, 3, 0, 6, 2])
    other = replace(given, labels=names[given.labels], classes=11)
    assert math.isclose(estimate.estimate(other, seed=0), value, rel_tol=1e-9)


def order_of_examples_plays_no_part(estimate: Estimate) -> None:
    """The same examples in another order give the same value up to rounding, unless chance has a part in it."""
    if estimate.uses_chance:
        return
    given = digit_features()
    rows = rng_for(0, "order").permutation(len(given))
    assert math.isclose(estimate.estimate(_rows(given, rows), seed=0), estimate.estimate(given, seed=0), rel_tol=1e-9)


def truth_is_better_than_chance(estimate: Estimate) -> None:
    """The right labels have a higher value than each of five shufflings of them."""
    given = digit_features()
    shuffled = [
        estimate.estimate(replace(given, labels=rng_for(seed, "labels").permutation(given.labels)), seed=0)
        for seed in range(5)
    ]
    value = estimate.estimate(given, seed=0)
    assert max(shuffled) < value, f"{estimate.name}: {value} for the labels, {shuffled} for shuffled ones"


def refuses_what_has_no_value(estimate: Estimate) -> None:
    """One class only, features that are all the same and a missing source head are said in words, with its name."""
    given = digit_features()
    alone = replace(given, labels=np.full(len(given), 2))
    words = _refusal(estimate, alone, MeasurementError)
    assert f"{estimate.name} has no value: all {len(given)} examples are of class 2" in words
    if estimate.needs == "features":
        same = replace(given, features=np.ones_like(given.features))
        words = _refusal(estimate, same, MeasurementError)
        assert f"{estimate.name} has no value: the features are the same for all {len(given)} examples" in words
    else:
        words = _refusal(estimate, replace(given, source_probabilities=None), UnsupportedError)
        assert f"{estimate.name} has no meaning here: the model has no head for at least two source classes" in words


def copes_with_few_examples(estimate: Estimate) -> None:
    """Two examples of two classes, more features than examples: a finite value, or a refusal in words."""
    given = digit_features()
    rows = [int(np.flatnonzero(given.labels == label)[0]) for label in (0, 1)]
    try:
        assert math.isfinite(estimate.estimate(_rows(given, rows), seed=0))
    except MeasurementError as error:
        assert f"{estimate.name} has no value: " in str(error)  # noqa: PT017  (either answer is honest)


ESTIMATE_CHECKS: tuple[Callable[[Estimate], None], ...] = (
    describes_itself,
    is_the_same_again,
    leaves_the_model_alone,
    reads_what_it_needs_alone,
    names_of_classes_play_no_part,
    order_of_examples_plays_no_part,
    truth_is_better_than_chance,
    refuses_what_has_no_value,
    copes_with_few_examples,
)


STATE_CHECKS = tuple(check for check in ESTIMATE_CHECKS if check is not truth_is_better_than_chance)
"""For numbers that know nothing of labels (``STATE_ESTIMATES``)."""


def _rows(features: Features, rows: Sequence[int] | np.ndarray) -> Features:
    probabilities = features.source_probabilities
    return Features(
        features.features[rows],
        features.labels[rows],
        features.classes,
        None if probabilities is None else probabilities[rows],
    )


def _refusal(estimate: Estimate, features: Features, expected: type[ArchLockError]) -> str:
    """The words with which an estimate refuses."""
    try:
        value = estimate.estimate(features, seed=0)
    except expected as error:
        return str(error)
    raise AssertionError(f"{estimate.name} should raise {expected.__name__}, but gave the value {value}")


def _state_of(model: nn.Module) -> list[object]:
    modules = [(m.training, len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()]
    return [modules, [(p.requires_grad, p.grad is None, p.data_ptr()) for p in model.parameters()]]
