"""Fit one model on one task. Deterministic given the seed; survives a kill at epoch boundaries.

The model given is left as it was: a trained copy comes back. On CPU the result is the same bit for bit for the same
number of threads, whether or not the training was interrupted and taken up from its checkpoint.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import count_training_flops
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training.augmentation import augmented
from archlock.training.batches import Batch, batches
from archlock.training.checkpoints import digest, load_state, save_state
from archlock.training.descent import channels_last, descend, divergence, optimiser_for, set_rate, steps_per_epoch
from archlock.training.evaluate import evaluate
from archlock.training.losses import loss_of
from archlock.training.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained model (in evaluation mode) with what its training cost and how it went."""

    model: nn.Module
    validation: float
    """Score of ``model`` on the validation split."""
    curve: tuple[float, ...]
    """Validation scores in the order in which they were taken: after each epoch where the plan has ``patience`` or
    ``watch``, else after the last one; see :func:`~archlock.training.many.fit_many` for trainings of many."""
    losses: tuple[float, ...]
    """Mean training loss of each epoch."""
    seconds: float
    """Of many that were trained at once: its share."""
    stopped: bool = False
    """Whether it was one of many and not good enough to go on to the last epoch."""
    steps: int = 0
    """Steps of the optimiser."""
    flops: int | None = None
    """Floating-point operations of these steps; counted where the plan says ``watch``."""


def fit(
    model: nn.Module,
    task: Task,
    plan: Plan,
    *,
    trains: tuple[str, ...] | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int,
    device: str = "cpu",
) -> Trained:
    """Train a copy of ``model`` on the training split of ``task``.

    ``trains`` names the submodules that train (None: all); the rest stays frozen, normalisation statistics included.
    ``checkpoint`` is a file that holds the state after each epoch and is taken up if it belongs to the same training;
    it is removed by nobody here. ``progress`` is called with (epochs done, epochs). A loss or an answer that is not
    finite raises :class:`~archlock.errors.MeasurementError`.
    """
    began = time.perf_counter()
    state = _State(channels_last(copy.deepcopy(model).to(device)), task, plan, trains)
    identity = fingerprint([task.fingerprint, plan, seed, trains, digest(model)]) if checkpoint else ""
    if checkpoint is not None:
        state.resume(checkpoint, identity, device)
    while state.epoch < plan.epochs and not state.exhausted():
        epoch_seed = derive_seed(seed, "epoch", state.epoch)
        with drawing(epoch_seed, device):
            state.run_epoch(epoch_seed, device)
        if checkpoint is not None:
            state.save(checkpoint, identity, time.perf_counter() - began)
        if progress is not None:
            progress(state.epoch, plan.epochs)
    if state.best is not None:
        state.model.load_state_dict(state.best)
    flops = state.flops() if plan.watch else None
    state.model.eval().requires_grad_(True)
    curve = tuple(state.curve) or (evaluate(state.model, task.validation, device=device),)
    validation = curve[-1] if plan.patience is None else max(curve)
    seconds = state.seconds_before + time.perf_counter() - began
    steps = state.epoch * steps_per_epoch(plan, len(task.train))
    return Trained(state.model, validation, curve, tuple(state.losses), seconds, steps=steps, flops=flops)


class _State:
    """Everything that changes while a training runs, and its way to disk and back."""

    def __init__(self, model: nn.Module, task: Task, plan: Plan, trains: tuple[str, ...] | None) -> None:
        self.model, self.task, self.plan = model, task, plan
        self.trained = [model] if trains is None else [model.get_submodule(name) for name in trains]
        model.requires_grad_(False)
        for part in self.trained:
            part.requires_grad_(True)
        self.optimizer = optimiser_for((p for p in model.parameters() if p.requires_grad), plan)
        self.epoch = 0
        self.curve: list[float] = []
        self.losses: list[float] = []
        self.best: dict[str, Any] | None = None
        self.seconds_before = 0.0

    def exhausted(self) -> bool:
        patience = self.plan.patience
        return patience is not None and len(self.curve) - int(np.argmax([*self.curve, -math.inf])) > patience

    def run_epoch(self, seed: int, device: str) -> None:
        self.model.eval()
        for part in self.trained:
            part.train()
        examples = len(self.task.train)
        begun = self.epoch * steps_per_epoch(self.plan, examples)
        total, done = 0.0, 0
        for step, split in enumerate(augmented(self.task.train, self.plan, seed)):
            set_rate(self.optimizer, self.plan, step=begun + step, examples=examples)
            for batch in batches(split, len(split)):
                total += self._step(batch.to(device)) * len(batch)
                done += len(batch)
        if not math.isfinite(total):
            raise MeasurementError(divergence(self.task.name, self.plan, self.epoch + 1))
        self.losses.append(total / done)
        self.epoch += 1
        if self.plan.patience is not None or self.plan.watch:
            score = evaluate(self.model, self.task.validation, device=device)
            if self.plan.patience is not None and score > max(self.curve, default=-math.inf):
                self.best = {name: value.clone() for name, value in self.model.state_dict().items()}
            self.curve.append(score)

    def _step(self, batch: Batch) -> float:
        loss = training_loss(self.model, batch, self.plan, self.task.name)
        descend(self.optimizer, loss, self.plan)
        return float(loss.detach())

    def flops(self) -> int:
        """Of all epochs so far: each sees every example once."""
        return self.epoch * len(self.task.train) * count_training_flops(self.model, self.task.shape)

    def save(self, path: Path, identity: str, seconds: float) -> None:
        state = {
            "epoch": self.epoch,
            "curve": self.curve,
            "losses": self.losses,
            "seconds": self.seconds_before + seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
        }
        save_state(path, identity, state)

    def resume(self, path: Path, identity: str, device: str) -> None:
        state = load_state(path, identity, device=device)
        if state is None:
            return
        self.epoch, self.curve, self.losses = state["epoch"], state["curve"], state["losses"]
        self.best, self.seconds_before = state["best"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def training_loss(model: nn.Module, batch: Batch, plan: Plan, task: str) -> Tensor:
    """The loss of a model in training mode on a batch, in the precision of the plan.

    One image alone, which a batch normalisation cannot take, raises UnsupportedError.
    """
    with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=plan.precision == "bfloat16"):
        try:
            outputs = model(batch.images)
        except ValueError as error:
            if len(batch) > 1:
                raise
            raise UnsupportedError(
                f"{type(model).__name__} cannot be trained on one image alone ({error}): its normalisation wants "
                f"several; give {task!r} two training images at least"
            ) from error
    return loss_of(outputs.float(), batch.targets, kind=batch.kind, label_smoothing=plan.label_smoothing)


@contextmanager
def drawing(seed: int, device: str) -> Iterator[None]:
    """Inside, what a model draws (dropout) depends on the seed alone; outside, the global generators do not move."""
    on_cuda = torch.device(device).type == "cuda"
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count())) if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            torch.cuda.manual_seed_all(seed)
        yield
