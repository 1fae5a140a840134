"""From a trained network to a smaller one: units are chosen, fade while it trains or go before, and are taken out.

What is left trains on by :func:`~archlock.training.fit.fit`. Deterministic given the seed; survives a kill at epoch
boundaries.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Final

import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.models import TOLERANCE, narrowed, tried, zeroed
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.tasks import Split, Task
from archlock.training.augmentation import augmented
from archlock.training.batches import Batch, batches
from archlock.training.checkpoints import digest, load_state, save_state
from archlock.training.compaction.choosing import Choice, Gone, lowest
from archlock.training.compaction.cycles import corrected_scores
from archlock.training.compaction.fading import Units
from archlock.training.compaction.gradual import Gradual, Periods
from archlock.training.compaction.methods import Compactor
from archlock.training.compaction.saliencies import Scores, saliency_of
from archlock.training.descent import channels_last, optimiser_for
from archlock.training.fit import drawing, training_loss
from archlock.training.losses import loss_of
from archlock.training.plan import Plan

SEVERAL: Final = 16
"""Batches of which the gradient is the mean, where the network does not train."""
FIXED: Final = 4
"""Batches on which trial projections are judged."""


@dataclass(frozen=True, slots=True)
class Point:
    """How a network stood when a period was over."""

    removed: int
    """Units that were gone."""
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Removed:
    """A smaller network, before it trains on."""

    model: nn.Module
    """In evaluation mode."""
    gone: Gone
    """Of each group by name, in the order in which they went."""
    difference: float
    """Of its answers from those of the whole network with zeros, as a share of how far answers are apart."""
    path: tuple[Point, ...] = ()
    """After each period; empty where all went at once."""
    losses: tuple[float, ...] = ()
    """Mean training loss of each epoch while units faded."""
    steps: int = 0
    """Of training, those that corrective cycles undo included."""
    cycles: int = 0
    """Corrective ones."""
    seconds: float = 0.0


def scores_at_rest(model: nn.Module, choice: Choice, method: Compactor, task: Task, plan: Plan, *, seed: int) -> Scores:
    """The scores of a method on a network as it is, with the mean gradient of several batches; it is left alone."""
    lively = copy.deepcopy(model).eval().requires_grad_(True)
    units = Units(lively, choice.structure, choice.groups)
    for _, batch in zip(range(SEVERAL), batches(task.train, plan.batch_size, seed=seed), strict=False):
        (loss_of(lively(batch.images), batch.targets, kind=batch.kind) / SEVERAL).backward()  # type: ignore[no-untyped-call]
    gradients = {
        name: torch.zeros_like(value) if value.grad is None else value.grad for name, value in units.parameters.items()
    }
    return saliency_of(units.weights(), units.rows(gradients), method.weighting)


def removed_at_once(
    model: nn.Module, choice: Choice, method: Compactor, task: Task, plan: Plan, *, seed: int
) -> Removed:
    """The network without the units of lowest score, untrained."""
    began = time.perf_counter()
    scores = scores_at_rest(model, choice, method, task, plan, seed=seed)
    gone = {name: tuple(units) for name, units in lowest(choice, scores, {}).items()}
    masked = zeroed(model, choice.structure, gone).eval()
    difference = _difference(masked, choice, gone, task.validation)
    return Removed(narrowed(masked, choice.structure, gone), gone, difference, seconds=time.perf_counter() - began)


def removed_gradually(
    model: nn.Module,
    choice: Choice,
    method: Compactor,
    task: Task,
    plan: Plan,
    periods: Periods,
    *,
    look: Callable[[nn.Module], float],
    published: bool = False,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int,
    device: str = "cpu",
) -> Removed:
    """The network without the units that faded while it trained for ``plan.epochs`` epochs.

    The rate rises before the first period and stays. After corrective cycles, which decide once, units fade in one
    period. ``look`` says how the network stands after each period. A
    checkpoint holds the state after each epoch. A loss that is not finite raises MeasurementError.
    """
    began = time.perf_counter()
    periods = replace(periods, periods=1) if method.cycles else periods
    state = _State(channels_last(copy.deepcopy(model).to(device)), choice, method, task, plan, periods, published)
    identity = ""
    if checkpoint is not None:
        goal, names = list(map(str, astuple(choice.goal))), [group.name for group in choice.groups]
        asked = [task.fingerprint, plan, seed, digest(model), method.name, periods, published, goal, names]
        identity = fingerprint(asked)
        state.resume(checkpoint, identity, device)
    while state.epoch < plan.epochs:
        epoch_seed = derive_seed(seed, "fading", state.epoch)
        with drawing(epoch_seed, device):
            state.run_epoch(epoch_seed, device, look)
        if checkpoint is not None:
            state.save(checkpoint, identity, time.perf_counter() - began)
        if progress is not None:
            progress(state.epoch, plan.epochs)
    if not state.gradual.finished:
        raise MeasurementError(
            f"the training ended after {state.gradual.fade.step} steps, before all periods were over ({periods.end} "
            "steps); give more epochs, or fewer pruning steps"
        )
    masked, gone = state.model.cpu().eval(), dict(state.gradual.fade.gone)
    return Removed(
        narrowed(masked, choice.structure, gone),
        gone,
        _difference(masked, choice, gone, task.validation),
        tuple(state.path),
        tuple(state.losses),
        state.gradual.fade.step + state.undone,
        state.cycles,
        state.seconds_before + time.perf_counter() - began,
    )


class _State:
    """Everything that changes while units fade, and its way to disk and back."""

    def __init__(
        self,
        model: nn.Module,
        choice: Choice,
        method: Compactor,
        task: Task,
        plan: Plan,
        periods: Periods,
        published: bool,
    ) -> None:
        self.model, self.choice, self.method = model.requires_grad_(True), choice, method
        self.task, self.plan = task, plan
        self.gradual = Gradual(
            model,
            optimiser_for(model.parameters(), plan),
            choice,
            periods,
            method.weighting,
            published=published,
            decide=self.decide if method.cycles else None,
        )
        self.epoch = self.undone = self.cycles = 0
        self.path: list[Point] = []
        self.losses: list[float] = []
        self.seconds_before = 0.0
        self.seed, self.device = 0, "cpu"

    def run_epoch(self, seed: int, device: str, look: Callable[[nn.Module], float]) -> None:
        self.model.train()
        self.seed, self.device = seed, device
        total, done = 0.0, 0
        for batch in self._batches(seed):
            self._set_rate()
            loss = self._gradients(batch)
            fading = bool(self.gradual.fade.fading)
            try:
                self.gradual.step()
            except MeasurementError as error:
                raise MeasurementError(f"{self._diverged()} ({error})") from error
            total, done = total + loss * len(batch), done + len(batch)
            ended = not self.gradual.fade.fading and (fading or self.gradual.periods.length == 1)
            if ended and len(self.path) < self.gradual.fade.period:
                self.path.append(Point(sum(map(len, self.gradual.fade.gone.values())), look(self.model)))
                self.model.train()
        self.losses.append(total / done)
        self.epoch += 1

    def decide(self) -> Scores:
        """What corrective cycles say; their batches are others than those of the epoch."""
        several = (one for one in batches(self.task.train, self.plan.batch_size) if len(one) > 1)  # (for statistics)
        fixed = [batch for _, batch in zip(range(FIXED), several, strict=False)]
        stream = self._endless()
        gradients = [None if value.grad is None else value.grad.clone() for value in self.model.parameters()]
        found = corrected_scores(
            self.model,
            self.gradual.optimiser,
            self.choice,
            self.method.weighting,
            gradients=lambda: (self._gradients(next(stream)), None)[1],
            loss=lambda one: self._fixed_loss(one, fixed),
            steps=max(2, self.gradual.periods.steps // 10),
        )
        for value, gradient in zip(self.model.parameters(), gradients, strict=True):
            value.grad = gradient
        self.undone, self.cycles = found.steps, found.cycles
        return found.scores

    def _batches(self, seed: int) -> Iterator[Batch]:
        for split in augmented(self.task.train, self.plan, seed):
            for batch in batches(split, len(split)):
                yield batch.to(self.device)

    def _endless(self) -> Iterator[Batch]:
        number = 0
        while True:
            yield from self._batches(derive_seed(self.seed, "cycles", number))
            number += 1

    def _set_rate(self) -> None:
        share = min(1.0, (self.gradual.fade.step + 0.5) / max(1, self.gradual.periods.start))
        for group in self.gradual.param_groups:
            group["lr"] = self.plan.learning_rate * share

    def _gradients(self, batch: Batch) -> float:
        """The gradients of a batch, in place; its loss."""
        self.gradual.zero_grad()
        loss = training_loss(self.model, batch, self.plan, self.task.name)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise MeasurementError(self._diverged())
        torch.autograd.backward(loss)
        return value

    def _diverged(self) -> str:
        fade = self.gradual.fade
        return (
            f"training on {self.task.name!r} diverged at step {fade.step}, while units faded "
            f"({sum(map(len, fade.gone.values()))} of {self.choice.units} were gone, "
            f"{sum(map(len, fade.fading.values()))} were fading), at learning rate {self.plan.learning_rate:g}; try a "
            "smaller one, or more pruning steps"
        )

    @torch.no_grad()
    def _fixed_loss(self, model: nn.Module, fixed: list[Batch]) -> float:
        """Mean loss by the statistics of the batches, which are not kept."""
        model.eval()
        kept = copy.deepcopy(model.state_dict())
        for part in model.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                part.train()
        found = sum(float(training_loss(model, one.to(self.device), self.plan, self.task.name)) for one in fixed)
        model.load_state_dict(kept)
        return found / len(fixed)

    def save(self, path: Path, identity: str, seconds: float) -> None:
        state = {
            "epoch": self.epoch,
            "losses": self.losses,
            "path": [[point.removed, point.score] for point in self.path],
            "undone": self.undone,
            "cycles": self.cycles,
            "seconds": self.seconds_before + seconds,
            "model": self.model.state_dict(),
            "gradual": self.gradual.state(),
        }
        save_state(path, identity, state)

    def resume(self, path: Path, identity: str, device: str) -> None:
        state = load_state(path, identity, device=device)
        if state is None:
            return
        self.epoch, self.losses, self.seconds_before = state["epoch"], state["losses"], state["seconds"]
        self.path = [Point(removed, score) for removed, score in state["path"]]
        self.undone, self.cycles = state["undone"], state["cycles"]
        self.model.load_state_dict(state["model"])
        self.gradual.load(state["gradual"])


def _difference(masked: nn.Module, choice: Choice, gone: Gone, images: Split) -> float:
    """How far the answers of the smaller network are from those of the one with zeros; MeasurementError if too far."""
    some = next(batches(images, 50)).images
    trial = tried(masked.float(), lambda one: one, lambda one: narrowed(one, choice.structure, gone), some)
    if not trial.difference <= TOLERANCE:
        raise MeasurementError(
            f"the smaller network answers otherwise than the whole one with zeros, by {trial.difference:.2g} of how "
            f"far answers are apart{f' ({trial.failure})' if trial.failure else ''}; nothing is written"
        )
    return trial.difference
