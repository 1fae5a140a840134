"""What every attack must keep: ``for check in ATTACK_CHECKS: check(attack)``.

Plug-in authors run it on their own attack; our tests run it on every member of the catalog.
"""

import copy
import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archlock.attacks import Attack, Setting
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import build, linear_head
from archlock.spaces import Architecture
from archlock.tasks import KINDS, Signature, Split, Task
from archlock.testing.small_tasks import small_digits, small_negatives, small_task
from archlock.training import Plan, batch_of, evaluate, fit

PLAN = Plan(2, batch_size=16, shift=0.0)
ARCHITECTURE = Architecture("nasbench201", "314321")
HOPELESS = 1e30
"""A learning rate at which every training diverges."""


def target_task() -> Task:
    """Which of the digits 5 to 9 is it? The models were trained on 0 to 4."""
    return small_digits(train=64, validation=40, test=30, labels=(5, 6, 7, 8, 9))


def leaves_no_footprints(attack: Attack) -> None:
    """The model keeps weights, statistics, modes, gradients and hooks; the global generators stand still."""
    for model in (trained_network().train(), _stranger()):
        frozen, *_ = model.parameters()
        frozen.requires_grad_(False)
        next(model.children()).eval()  # a mode of its own, which must survive
        frozen.grad = torch.ones_like(frozen)
        before, generators = _footprint(model), _generators()
        attack.run(model, target_task(), plan=PLAN, settings=attack.starts()[:1], seed=0)
        after = _footprint(model)
        assert after[0].keys() == before[0].keys()
        assert [name for name, value in before[0].items() if not torch.equal(value, after[0][name])] == []
        assert after[1:] == before[1:]
        assert torch.equal(frozen.grad, torch.ones_like(frozen))
        assert _generators() == generators


def depends_on_the_seed_alone(attack: Attack) -> None:
    """Same seed, same outcome but for the seconds, wherever the global generators stand."""
    for model in (trained_network(), _stranger()):
        first = attack.run(model, target_task(), plan=PLAN, seed=3)
        torch.rand(5)
        again = attack.run(model, target_task(), plan=PLAN, seed=3)
        assert first == again


def keeps_the_best_setting_by_validation(attack: Attack) -> None:
    """Every setting is tried, in order; of the best ones the first is kept, and the test score is that model's."""
    model, task, tried = trained_network(), target_task(), attack.starts()[::-1]
    outcome = attack.run(model, task, plan=PLAN, settings=tried, seed=0)
    adapted = [attack.adapt(model, task, setting=s.value, plan=s.plan(PLAN), seed=0, device="cpu") for s in tried]
    assert outcome.trials == tuple((s, a.validation) for s, a in zip(tried, adapted, strict=True))
    best = max(range(len(tried)), key=lambda index: adapted[index].validation)
    assert (outcome.setting, outcome.validation) == outcome.trials[best]
    assert outcome.validation == evaluate(adapted[best].model, task.validation)
    assert outcome.test == evaluate(adapted[best].model, task.test)
    assert outcome.attacker == attack.name
    assert outcome.seconds > 0


def sweeps_as_wide_as_it_takes(attack: Attack) -> None:
    """Its own sweep begins with its settings; unless it is naive, the best has neighbours that are no better."""
    model, task = trained_network(), target_task()
    outcome = attack.run(model, task, plan=PLAN, horizon=2.0, seed=0)
    scores, first = dict(outcome.trials), attack.starts()
    short = [setting for setting in scores if setting.horizon == 1]
    assert short[: len(first)] == [setting for setting in first if setting in scores]
    assert outcome.validation == max(scores.values())
    best = max(short, key=lambda setting: scores[setting])
    low, high = attack.ranges[best.optimiser]
    step = 4.0 if attack.tuned == "rate" else 16.0
    for wanted in () if attack.naive else (best.value * step, best.value / step):
        if low <= wanted <= high:  # (one that diverged is not in the scores)
            near = [s for s in scores if s.optimiser == best.optimiser and 0.5 <= s.value / wanted <= 2]
            assert near or wanted > best.value
    if attack.naive:
        assert short == list(first)
    longer = [setting for setting in scores if setting.horizon == 2]
    assert longer == ([replace(best, horizon=2.0)] if attack.tuned == "rate" else [])


def looks_at_the_test_split_once(attack: Attack) -> None:
    """One look, at the end: nothing but the test score changes with the test split, and no trial reads it."""
    task = target_task()
    counted = _Counted(task.test.images, task.test.targets)
    outcome = attack.run(trained_network(), _with_test(task, counted), plan=PLAN, seed=0)
    assert counted.read == len(task.test), "every example of the test split is seen exactly once"
    fewer = task.test.take(range(7))
    other = attack.run(trained_network(), _with_test(task, fewer), plan=PLAN, seed=0)
    assert (other.setting, other.validation, other.trials) == (outcome.setting, outcome.validation, outcome.trials)
    unread = _Counted(task.test.images, task.test.targets)
    attack.adapt(trained_network(), _with_test(task, unread), setting=_value(attack), plan=PLAN, seed=0, device="cpu")
    assert unread.read == 0


def searches_as_it_says(attack: Attack) -> None:
    """Four trials begin with its own settings and go on within its ranges; same seed, same search; one look at test."""
    task = target_task()
    counted = _Counted(task.test.images, task.test.targets)
    outcomes = []
    for test in (counted, task.test):
        model, generators = trained_network(), _generators()
        outcomes.append(attack.run(model, _with_test(task, test), plan=PLAN, trials=4, horizon=2.0, curve=True, seed=5))
        assert _generators() == generators
    assert counted.read == len(task.test)
    first, again = outcomes
    assert first == again
    horizons = (1.0, 2.0) if attack.tuned == "rate" else (1.0,)
    own = list(attack.starts()[:4])
    tried = [setting for setting, _ in first.trials]
    assert [setting for setting in tried if setting in own] == [setting for setting in own if setting in tried]
    for setting in tried:
        low, high = attack.ranges[setting.optimiser]
        assert low <= setting.value <= high
        assert setting.horizon in horizons
    assert len(tried) <= 4
    assert first.validation == dict(first.trials)[first.setting] == max(score for _, score in first.trials)
    if first.steps is not None:
        assert first.flops, "what counts its steps counts its operations"
    if first.steps:
        assert len(first.curve) == round(PLAN.epochs * first.setting.horizon)
        assert first.validation >= first.curve[-1], "a head that was fitted first may have been better"


def passes_over_what_diverges(attack: Attack) -> None:
    """A setting that diverges is left out of the trials; where all do, the attack says so and has no outcome.

    An attack whose settings are no learning rates may have an outcome at any setting; then it is an honest one.
    """
    task, model = target_task(), trained_network()
    try:
        hopeless = attack.run(model, task, plan=PLAN, settings=(HOPELESS,), seed=0)
    except MeasurementError as error:
        outcome = attack.run(model, task, plan=PLAN, settings=(HOPELESS, attack.settings[0]), seed=0)
        assert outcome == attack.run(model, task, plan=PLAN, settings=attack.starts()[:1], seed=0)
        words = rf"attack '{attack.name}' on 'digits': every setting diverged: \(1e\+30,\); the last one: \w+"
        assert re.match(words, str(error))  # noqa: PT017  (either answer is honest)
    else:
        assert 0 <= hopeless.test <= 1
        assert hopeless.trials == ((Setting(HOPELESS), hopeless.validation),)
    with pytest.raises(
        ConfigurationError, match=rf"attack '{attack.name}' needs at least one setting to try; got none"
    ):
        attack.run(model, task, plan=PLAN, settings=(), seed=0)


def gains_something(attack: Attack) -> None:
    """On real digits a trained network of ours gets better than chance, on another label space."""
    task = small_digits(train=120, validation=60, test=100, labels=(5, 6, 7, 8, 9))
    outcome = attack.run(trained_network(), task, plan=Plan(5, batch_size=16, shift=0.0), seed=0)
    assert outcome.test > task.chance + 0.1
    assert 0 <= outcome.validation <= 1


def keeps_to_the_kinds_it_names(attack: Attack) -> None:
    """A network of ours is turned to every kind of task it supports, on others UnsupportedError says why not.

    (The other checks are of single labels.)
    """
    for kind in KINDS.values():
        if kind.has_classes:
            continue
        task = small_task(kind.name, train=16, validation=12, test=12)
        asked: dict[str, Any] = {"plan": PLAN, "settings": attack.starts()[-1:], "seed": 0}
        if attack.supports(kind.name):
            outcome = attack.run(trained_network(), task, **asked)
            assert all(math.isfinite(score) and score <= kind.best for score in (outcome.validation, outcome.test))
        else:
            with pytest.raises(UnsupportedError, match=f"a {kind.name} task"):
                attack.run(trained_network(), task, **asked)


def works_on_strangers(attack: Attack) -> None:
    """Any module that ends in a linear classifier is attacked; whether it is a chain, a tree, or one layer."""
    task = target_task()
    for model in (_stranger(), nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(64, 3)))):
        outcome = attack.run(model, task, plan=PLAN, seed=0)
        assert outcome.test > 0
        adapted = attack.adapt(model, task, setting=outcome.setting.value, plan=PLAN, seed=0, device="cpu").model
        assert linear_head(adapted).out_features == 5
        assert adapted.eval()(batch_of(task.test).images).shape == (len(task.test), 5)


def says_what_does_not_fit(attack: Attack) -> None:
    """A model whose head cannot be found, or for other images, raises UnsupportedError with words."""
    task, dense = target_task(), small_negatives(train=8, validation=4, test=4)
    coloured = build(ARCHITECTURE, Signature("classification", (3, 8, 8), 5, (0.5,) * 3, (0.5,) * 3), seed=0)
    three_channels = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(72, 3))
    other_size = nn.Sequential(nn.Flatten(), nn.Linear(100, 3))
    rectified = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.ReLU())
    for model, what, words in (
        (
            nn.Flatten(),
            task,
            "Flatten has no nn.Linear and no convolution that makes its 64 answers; make its classifier an nn.Linear",
        ),
        (_stranger(), dense, "Sequential is not a network of ours, .* not a dense one"),
        (coloured, task, "takes images of 3 channels, the task has 1; conform the task first"),
        (three_channels, task, r"Sequential cannot take images of channels .* \(1, 8, 8\) .*; conform the task"),
        (other_size, task, r"Sequential cannot take images of channels .* \(1, 8, 8\) .*; conform the task"),
        (rectified, task, r"the answer of Sequential does not come from its classifier alone"),
        (_Chatty(), task, r"_Chatty answers str; expected logits"),
    ):
        with pytest.raises(UnsupportedError, match=words):
            attack.run(model, what, plan=PLAN, seed=0)


ATTACK_CHECKS: tuple[Callable[[Attack], None], ...] = (
    leaves_no_footprints,
    depends_on_the_seed_alone,
    keeps_the_best_setting_by_validation,
    sweeps_as_wide_as_it_takes,
    looks_at_the_test_split_once,
    searches_as_it_says,
    passes_over_what_diverges,
    gains_something,
    keeps_to_the_kinds_it_names,
    works_on_strangers,
    says_what_does_not_fit,
)


def _value(attack: Attack) -> float:
    """Of the first of its settings."""
    return attack.starts()[0].value


def trained_network() -> nn.Module:
    """A network of ours, trained on the digits 0 to 4; the caller's own copy."""
    return copy.deepcopy(_trained_once())


@cache
def _trained_once() -> nn.Module:
    source = small_digits(train=120, validation=20, test=2, labels=(0, 1, 2, 3, 4))
    model = build(ARCHITECTURE, source.signature, width=4, depth=1, seed=0)
    return fit(model, source, Plan(4, batch_size=16, shift=0.0), seed=0).model


def _stranger() -> nn.Module:
    """A network that is not ours, with normalisation and with chance inside."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        body = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AvgPool2d(2))
        return nn.Sequential(body, nn.Dropout(0.3), nn.Flatten(), nn.Linear(96, 10))


class _Chatty(nn.Module):
    """Answers in words."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 3)

    def forward(self, images: Tensor) -> str:
        return str(self.linear(images.flatten(1)).argmax(1).tolist())


class _Counted(Split):
    """A split that counts how many examples were taken from it."""

    read = 0

    def take(self, rows: Any) -> Split:
        object.__setattr__(self, "read", self.read + len(rows))
        return Split(self.images[rows], self.targets[rows])


def _with_test(task: Task, test: Split) -> Task:
    return Task(task.name, task.kind, task.classes, task.train, task.validation, test, task.origin)


def _footprint(model: nn.Module) -> tuple[dict[str, Tensor], list[Any]]:
    state = {name: value.clone() for name, value in model.state_dict().items()}
    modules = [
        (name, module.training, len(module._forward_hooks), len(module._forward_pre_hooks), len(module._backward_hooks))
        for name, module in model.named_modules()
    ]
    trains = [(name, p.requires_grad, p.grad is None, p.data_ptr(), p.stride()) for name, p in model.named_parameters()]
    return state, [modules, trains]


def _generators() -> tuple[bytes, str]:
    return torch.random.get_rng_state().numpy().tobytes(), str(np.random.get_state())  # noqa: NPY002
