"""What an attack is: somebody has a trained model and a target task, and gets out of them what they can.

Attackers try several settings and keep the one that is best on *their own* validation split (it counts as their data).
They are then measured once on the test split. They never change the model they were given, so one model serves many.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from archlock.attacks.setting import RATES, Setting, Tuned
from archlock.attacks.tuning import SearchRange, tune
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import as_classifier, with_new_head
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training import Optimiser, Plan, Probed, Trained, batch_of, evaluate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack gained: accuracy as a fraction, or R squared on a dense task. Times do not make it another."""

    attacker: str
    setting: Setting
    """The best setting by validation."""
    validation: float
    test: float
    seconds: float = field(compare=False)
    """Of the whole attack, with every trial."""
    trials: tuple[tuple[Setting, float], ...]
    """Every (setting, validation score) that was tried; a diverged one is left out."""
    steps: int | None = None
    """Steps of the optimiser in the best trial; 0 where nothing descends, None where the attack does not count them."""
    curve: tuple[float, ...] = ()
    """Validation scores of the best trial at even distances of its steps, the last one at the end."""
    flops: int | None = None
    """Floating-point operations of the best trial on its training images; None where they were not counted."""
    best_seconds: float = field(default=0.0, compare=False)
    """Wall-clock time of the best trial alone, with the looks at the validation split that its curve took."""


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A model after one trial of an attack, with its score on the attacker's validation split."""

    model: nn.Module
    validation: float
    curve: tuple[float, ...] = ()
    """Validation scores at even distances of the training, the last one at its end: every epoch if the plan says
    ``watch``. What was reached without a step (a fitted head) is not in it."""
    steps: int | None = None
    """Steps of the optimiser that it took, 0 for a fitted head; None if the attack does not count them."""
    flops: int | None = None
    """Floating-point operations that it took; None if the attack does not count them."""

    @classmethod
    def by(cls, trained: Trained) -> "Adapted":
        """What one training made, with all that it counted."""
        return cls(trained.model, trained.validation, trained.curve, trained.steps, trained.flops)

    @classmethod
    def better_of(cls, probed: Probed, trained: Trained) -> "Adapted":
        """A fitted head, or what was trained from it if that is no worse on validation; with what it cost."""
        if probed.validation > trained.validation:
            return cls(probed.model, probed.validation, steps=0, flops=probed.flops)
        flops = None if trained.flops is None else probed.flops + trained.flops
        return replace(cls.by(trained), flops=flops)


class Attack(ABC):
    """One way to repurpose a trained model. Members are stateless; the contract suite holds them to this page."""

    name: str
    summary: str
    """What the attacker does, in one line for reports and ``--help``."""
    settings: tuple[float, ...]
    """Default sweep: learning rates of the training with sgd, or strengths of a probe."""
    tuned: Tuned = "rate"
    """What a setting's value is: ``rate``, the peak learning rate of a training by the plan, or ``strength`` of a
    probe, which knows neither optimiser nor horizon."""
    ranges: Mapping[Optimiser, tuple[float, float]] = RATES
    """Least and largest value that a search tries, by optimiser; of a probe the first range counts."""
    uses_weights: bool = True
    """Whether the trained weights matter to it; False: it takes the architecture or nothing at all."""
    uses_architecture: bool = True
    """Whether the model matters to it beyond its size; False: it takes nothing of it."""
    version: str = ""
    """Of what the attack rests on outside its own module. What it computed is known by its code, its settings and this;
    change it to have everything measured again."""

    @abstractmethod
    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One trial: a new model for ``task``. ``model`` is left as it was (weights, mode, hooks, gradients).

        ``setting`` is the value of a :class:`~archlock.attacks.setting.Setting`; its optimiser and its horizon are in
        the plan already.
        """

    def run(
        self,
        model: nn.Module,
        task: Task,
        *,
        plan: Plan,
        settings: Sequence[Setting | float] | None = None,
        trials: int | None = None,
        horizons: Sequence[float] = (1.0,),
        curve: bool = False,
        seed: int,
        device: str = "cpu",
    ) -> Outcome:
        """Try settings, keep the best by validation, and measure it on the test split once.

        ``settings`` (default: the member's own; a bare number is a value with sgd, at each of the ``horizons``) are
        swept; with ``trials`` a search goes on from there until so many settings in all were tried, see
        :mod:`~archlock.attacks.tuning`. ``curve`` asks for the validation score of every epoch of the best: where there
        was a choice, the best is adapted once more for it, and that one is measured.

        A setting that fails (its training diverges, say) is passed over; if all do,
        :class:`~archlock.errors.MeasurementError`. A model that cannot get a head for the task, or cannot take its
        images, raises :class:`~archlock.errors.UnsupportedError`.
        """
        began = time.perf_counter()
        lengths = tuple(horizons) if self.tuned == "rate" else (1.0,)
        first = _starts(self.settings if settings is None else settings, lengths)
        if not first or (trials is not None and trials < 1):
            got = "none" if not first else f"{trials} trials"
            raise ConfigurationError(f"attack {self.name!r} needs at least one setting to try; got {got}")
        model = check_fits(model, task)

        def adapted_at(setting: Setting, watch: bool) -> Adapted:
            tried = setting.plan(plan, watch=watch)
            return self.adapt(model, task, setting=setting.value, plan=tried, seed=seed, device=device)

        alone = (len(first) if trials is None else trials) == 1
        found = _Trials(lambda setting: adapted_at(setting, curve and alone))
        if trials is None:
            for setting in first:
                found.score(setting)
        else:
            around = SearchRange(self.ranges, lengths, self.tuned)
            tune(found.score, around, first=first, trials=trials, seed=derive_seed(seed, "tuning"))
        if found.best is None:
            raise MeasurementError(
                f"attack {self.name!r} on {task.name!r}: every setting diverged: {tuple(found.tried)}; the last one: "
                f"{found.reason}"
            )
        best, adapted, best_seconds = found.best
        if curve and not alone and adapted.steps:
            adapted, best_seconds = _timed(lambda: adapted_at(best, True))
        test = evaluate(adapted.model, task.test, device=device)
        return Outcome(
            self.name,
            best,
            adapted.validation,
            test,
            seconds=time.perf_counter() - began,
            trials=tuple(found.scores),
            steps=adapted.steps,
            curve=adapted.curve,
            flops=adapted.flops,
            best_seconds=best_seconds,
        )


def _starts(given: Sequence[Setting | float], horizons: Sequence[float]) -> tuple[Setting, ...]:
    """What is tried first: whole settings as they are, then the bare values at each horizon."""
    whole = [setting for setting in given if isinstance(setting, Setting)]
    bare = [value for value in given if not isinstance(value, Setting)]
    return (*whole, *(Setting(value, horizon=horizon) for horizon in horizons for value in bare))


def _timed(adapt: Callable[[], Adapted]) -> tuple[Adapted, float]:
    """What it gives, and the seconds it took."""
    began = time.perf_counter()
    return adapt(), time.perf_counter() - began


class _Trials:
    """What was tried, what it gave, and the best of it: of equally good ones the first."""

    def __init__(self, adapted_at: Callable[[Setting], Adapted]) -> None:
        self.adapted_at = adapted_at
        self.tried: list[float] = []
        self.scores: list[tuple[Setting, float]] = []
        self.best: tuple[Setting, Adapted, float] | None = None
        """Setting, what came of it, and the seconds it took."""
        self.reason = ""
        """Why the last one that failed did so."""

    def score(self, setting: Setting) -> float | None:
        """Validation score of one trial; None if it failed."""
        self.tried.append(setting.value)
        try:
            adapted, seconds = _timed(lambda: self.adapted_at(setting))
        except MeasurementError as error:
            self.reason = str(error)
            return None
        self.scores.append((setting, adapted.validation))
        if self.best is None or adapted.validation > self.best[1].validation:
            self.best = setting, adapted, seconds
        return adapted.validation


def check_fits(model: nn.Module, task: Task) -> nn.Module:
    """The model as attackers take it, body and head; what cannot be attacked on this task raises UnsupportedError.

    Tried out with a new head on one image, in evaluation mode, and anybody's model in training mode too.
    """
    if task.kind != "classification":
        with_new_head(model, task.signature, seed=0)
    ready = as_classifier(model, task.shape)
    fresh = with_new_head(ready, task.signature, seed=0).cpu().eval()
    image = batch_of(task.train.take([0])).images
    try:
        with torch.no_grad():
            answer = fresh(image)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise UnsupportedError(
            f"{type(model).__name__} cannot take the images of {task.name!r}, channels x height x width {task.shape} "
            f"({reason}); conform the task to the model's images first"
        ) from error
    wanted = (1, task.outputs) if task.kind == "classification" else (1, task.outputs, *task.shape[1:])
    if tuple(answer.shape) != wanted:
        raise UnsupportedError(
            f"{type(model).__name__} with a new head for {task.name!r} answers {tuple(answer.shape)}, expected {wanted}"
        )
    return ready
