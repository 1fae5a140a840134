"""What an attack is: somebody has a trained model and a target task, and makes of them what he can.

An attacker tries several settings, keeps the one that is best on *his* validation split (that counts for him), and is
then measured once on the test split. He never changes the model he was given, so one model serves many attackers.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import with_new_head
from archlock.tasks import Task
from archlock.training import Plan, batch_of, evaluate


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack gained: accuracy as a fraction, or R squared on a dense task."""

    attacker: str
    setting: float
    """The best setting by validation (a learning rate, or a probe's strength)."""
    validation: float
    test: float
    seconds: float
    trials: tuple[tuple[float, float], ...]
    """Every (setting, validation score) that was tried; a diverged one is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A model after one trial of an attack, with its score on the attacker's validation split."""

    model: nn.Module
    validation: float


class Attack(ABC):
    """One way to repurpose a trained model. Members are stateless; the contract suite holds them to this page."""

    name: str
    summary: str
    """What the attacker does, in one line for reports and ``--help``."""
    settings: tuple[float, ...]
    """Default sweep: learning rates of the training, or strengths of a probe."""

    @abstractmethod
    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One trial: a new model for ``task``. ``model`` is left as it was (weights, mode, hooks, gradients)."""

    def run(
        self,
        model: nn.Module,
        task: Task,
        *,
        plan: Plan,
        settings: Sequence[float] | None = None,
        seed: int,
        device: str = "cpu",
    ) -> Outcome:
        """Sweep the settings, keep the best by validation, and measure it on the test split once.

        A setting that fails (its training diverges, say) is passed over; if all do,
        :class:`~archlock.errors.MeasurementError`. A model that cannot get a head for the task, or cannot take its
        images, raises :class:`~archlock.errors.UnsupportedError`.
        """
        began = time.perf_counter()
        chosen = tuple(self.settings if settings is None else settings)
        if not chosen:
            raise ConfigurationError(f"attack {self.name!r} needs at least one setting to try; got none")
        check_fits(model, task)
        best: tuple[float, Adapted] | None = None
        reason = ""
        trials = []
        for setting in chosen:
            try:
                adapted = self.adapt(model, task, setting=setting, plan=plan, seed=seed, device=device)
            except MeasurementError as error:
                reason = str(error)
                continue
            trials.append((setting, adapted.validation))
            if best is None or adapted.validation > best[1].validation:
                best = setting, adapted
        if best is None:
            raise MeasurementError(
                f"attack {self.name!r} on {task.name!r}: every setting diverged: {chosen}; the last one so: {reason}"
            )
        setting, adapted = best
        test = evaluate(adapted.model, task.test, device=device)
        return Outcome(self.name, setting, adapted.validation, test, time.perf_counter() - began, tuple(trials))


def check_fits(model: nn.Module, task: Task) -> None:
    """Try the model with a new head on one image of the task; what does not fit raises UnsupportedError with words."""
    name = type(model).__name__
    image = batch_of(task.train.take([0])).images
    fresh = with_new_head(model, task.signature, seed=0).cpu().eval()
    try:
        with torch.no_grad():
            answer = fresh(image)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise UnsupportedError(
            f"{name} cannot take the images of {task.name!r}, channels x height x width {task.shape} ({reason}); "
            "conform the task to the model's images first"
        ) from error
    wanted = (1, task.outputs) if task.kind == "classification" else (1, task.outputs, *task.shape[1:])
    got = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
    if got != wanted:
        raise UnsupportedError(
            f"{name} with a new head for {task.name!r} answers {got}, expected a tensor {wanted}; its last nn.Linear "
            "must be its classifier, and its answer the logits alone"
        )
