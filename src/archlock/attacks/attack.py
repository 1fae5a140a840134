"""What an attack is: somebody has a trained model and a target task, and gets out of them what they can.

Attackers try several settings and keep the one that is best on *their own* validation split (it counts as their data).
They are then measured once on the test split. They never change the model they were given, so one model serves many.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from archlock.attacks.setting import RATES, Setting, Tuned
from archlock.attacks.sweeping import STEP, lengthen, lengths, sweep
from archlock.attacks.trial import Adapted, Trial
from archlock.attacks.tuning import SearchRange, tune
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import as_classifier, with_new_head
from archlock.seeding import derive_seed
from archlock.tasks import EVERY_KIND, Kind, Task
from archlock.training import Optimiser, Plan, batch_of, evaluate


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
    horizon: float = 1.0
    """The longest training that was allowed, in multiples of the plan's epochs; that of the best is in its setting."""
    best_seconds: float = field(default=0.0, compare=False)
    """Wall-clock time of the best trial alone, with the looks at the validation split that its curve took."""


class Attack:
    """One way to repurpose a trained model. Members are stateless; the contract suite holds them to this page."""

    name: str
    summary: str
    """What the attacker does, in one line for reports and ``--help``."""
    settings: tuple[Setting | float, ...]
    """Where the sweep begins; a bare number is a learning rate of the training with sgd, or a strength of a probe."""
    naive: bool = False
    """Whether it is what a tutorial does: its sweep is ``settings`` and nothing more. Others go on to the neighbours of
    the best until none is better (see :mod:`~archlock.attacks.sweeping`)."""
    tuned: Tuned = "rate"
    """What a setting's value is: ``rate``, the peak learning rate of a training by the plan, or ``strength`` of a
    probe, which knows neither optimiser nor horizon."""
    ranges: Mapping[Optimiser, tuple[float, float]] = RATES
    """Least and largest value that is tried, by optimiser; of a probe the first range counts."""
    uses_weights: bool = True
    """Whether the trained weights matter to it; False: it takes the architecture or nothing at all."""
    uses_architecture: bool = True
    """Whether the model matters to it beyond its size; False: it takes nothing of it."""
    kinds: frozenset[Kind] = EVERY_KIND
    """Kinds of target that it can be turned to; on others ``prepare`` raises UnsupportedError, which says why."""
    version: str = ""
    """Of what the attack rests on outside its own module. What it computed is known by its code, its settings and this;
    change it to have everything measured again."""

    def supports(self, kind: Kind) -> bool:
        """Whether a target of this kind can be attacked so."""
        return kind in self.kinds

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Do once what does not depend on the setting, and return what makes a new model at one setting.

        A member has this method or :meth:`adapt`. A :data:`~archlock.attacks.trial.Trial` is called with the value of a
        :class:`~archlock.attacks.setting.Setting` and the plan, which has its optimiser and its length already, as
        often as there are settings; the same setting gives the same model. ``model`` is left as it was (weights, mode,
        hooks, gradients).
        """

        def trial(value: float, plan: Plan) -> Adapted:
            return self.adapt(model, task, setting=value, plan=plan, seed=seed, device=device)

        return trial

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One trial alone, from the beginning: a new model for ``task``."""
        return self.prepare(model, task, seed=seed, device=device)(setting, plan)

    def __init_subclass__(cls) -> None:
        """A member says in one of two ways what a trial is."""
        if cls.prepare is Attack.prepare and cls.adapt is Attack.adapt:
            raise TypeError(
                f"{cls.__name__} needs a method prepare (trials that share a beginning) or adapt (one trial)"
            )

    def run(
        self,
        model: nn.Module,
        task: Task,
        *,
        plan: Plan,
        settings: Sequence[Setting | float] | None = None,
        trials: int | None = None,
        horizon: float = 1.0,
        known: Outcome | None = None,
        curve: bool = False,
        seed: int,
        device: str = "cpu",
    ) -> Outcome:
        """Try settings, keep the best by validation, and measure it on the test split once.

        Without ``settings`` it is the member's own sweep, as wide as it takes (a naive one: no wider), and then longer
        and longer trainings at its best, up to ``horizon`` times the epochs of the plan, as long as that brings
        anything on validation. With ``settings`` it is these and no others (a bare number is a value with sgd, once
        the plan's epochs). With ``trials`` a search goes on from them until so many settings in all were tried, see
        :mod:`~archlock.attacks.tuning`.

        ``known`` is what the same attack came to with a smaller horizon: it is gone on from there, and where nothing
        longer is better, it is what comes back. ``curve`` asks for the validation score of every epoch of the best:
        where there was a choice, the best is adapted once more for it, and that one is measured.

        A setting that fails (its training diverges, say) is passed over; if all do,
        :class:`~archlock.errors.MeasurementError`. A model that cannot get a head for the task, or cannot take its
        images, raises :class:`~archlock.errors.UnsupportedError`.
        """
        began = time.perf_counter()
        first = self.starts(horizon) if settings is None else tuple(as_setting(one) for one in settings)
        if not first or (trials is not None and trials < 1):
            got = "none" if not first else f"{trials} trials"
            raise ConfigurationError(f"attack {self.name!r} needs at least one setting to try; got {got}")
        trial = self.prepare(check_fits(model, task), task, seed=seed, device=device)
        alone = len(first) == 1 and settings is not None and trials is None

        def adapted_at(setting: Setting, watch: bool) -> Adapted:
            return trial(setting.value, setting.plan(plan, watch=watch))

        found = _Trials(lambda setting: adapted_at(setting, curve and alone), known)
        most = horizon if self.tuned == "rate" else 1.0
        if trials is not None:
            around = SearchRange(self.ranges, lengths(most), self.tuned)
            tune(found.score, around, first=first, trials=trials, seed=derive_seed(seed, "tuning"))
        elif settings is not None or (self.naive and known is None):
            for setting in first:
                found.score(setting)
        elif known is None:
            sweep(found.score, first, self.ranges, step=STEP if self.tuned == "rate" else STEP**2)
        reached = found.reached
        if settings is None and trials is None and reached is not None:
            lengthen(found.score, *reached, tried=0.0 if known is None else known.horizon, most=most)
        if reached is None:
            raise MeasurementError(
                f"attack {self.name!r} on {task.name!r}: every setting diverged: {tuple(found.tried)}; the last one: "
                f"{found.reason}"
            )
        if found.best is None:
            assert known is not None
            spent, trials_made = time.perf_counter() - began, (*known.trials, *found.scores)
            return replace(known, seconds=spent, trials=trials_made, horizon=horizon)
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
            trials=(*(known.trials if known else ()), *found.scores),
            steps=adapted.steps,
            curve=adapted.curve,
            flops=adapted.flops,
            horizon=horizon,
            best_seconds=best_seconds,
        )

    def starts(self, horizon: float = 1.0) -> tuple[Setting, ...]:
        """Where its own sweep begins, with trainings of the plan's length, or of ``horizon`` where that is shorter."""
        length = min(1.0, horizon) if self.tuned == "rate" else 1.0
        return tuple(replace(as_setting(one), horizon=length) for one in self.settings)


def as_setting(given: Setting | float) -> Setting:
    """A setting as it is; a bare number as a value with sgd."""
    return given if isinstance(given, Setting) else Setting(given)


def _timed(adapt: Callable[[], Adapted]) -> tuple[Adapted, float]:
    """What it gives, and the seconds it took."""
    began = time.perf_counter()
    return adapt(), time.perf_counter() - began


class _Trials:
    """What was tried, what it gave, and the best of it: of equally good ones the first."""

    def __init__(self, adapted_at: Callable[[Setting], Adapted], known: Outcome | None) -> None:
        self.adapted_at = adapted_at
        self.known = known
        self.tried: list[float] = []
        self.scores: list[tuple[Setting, float]] = []
        self.best: tuple[Setting, Adapted, float] | None = None
        """Setting, what came of it, and the seconds it took; None while nothing is better than what was known."""
        self.reason = ""
        """Why the last one that failed did so."""

    @property
    def reached(self) -> tuple[Setting, float] | None:
        """The best setting so far and its validation score; None if every one failed."""
        if self.best is not None:
            return self.best[0], self.best[1].validation
        return None if self.known is None else (self.known.setting, self.known.validation)

    def score(self, setting: Setting) -> float | None:
        """Validation score of one trial; None if it failed."""
        self.tried.append(setting.value)
        try:
            adapted, seconds = _timed(lambda: self.adapted_at(setting))
        except MeasurementError as error:
            self.reason = str(error)
            return None
        self.scores.append((setting, adapted.validation))
        reached = self.reached
        if adapted.validation > (-math.inf if reached is None else reached[1]):
            self.best = setting, adapted, seconds
        return adapted.validation


def check_fits(model: nn.Module, task: Task) -> nn.Module:
    """The model as attackers take it, body and head; what cannot be attacked on this task raises UnsupportedError.

    Tried out with a new head on one image, in evaluation mode, and anybody's model in training mode too.
    """
    if not task.traits.has_classes:
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
    wanted = (1, task.outputs, *task.shape[1:]) if task.traits.dense else (1, task.outputs)
    if tuple(answer.shape) != wanted:
        raise UnsupportedError(
            f"{type(model).__name__} with a new head for {task.name!r} answers {tuple(answer.shape)}, expected {wanted}"
        )
    return ready
