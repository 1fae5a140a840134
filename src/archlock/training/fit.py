"""Fit one model on one task. Deterministic given the seed; survives a kill at epoch boundaries.

The model given is left as it was: a trained copy comes back. On CPU the result is the same bit for bit for the same
number of threads, whether or not the training was interrupted and taken up from its checkpoint.
"""

import copy
import hashlib
import io
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from archlock.errors import MeasurementError
from archlock.records import fingerprint, write_atomic
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training.augmentation import augmented
from archlock.training.batches import batches, loss_of
from archlock.training.evaluate import evaluate
from archlock.training.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained model (in evaluation mode) with what its training cost and how it went."""

    model: nn.Module
    validation: float
    """Score of ``model`` on the validation split."""
    curve: tuple[float, ...]
    """Validation score after each epoch; only the last one where the plan has no ``patience``."""
    losses: tuple[float, ...]
    """Mean training loss of each epoch."""
    seconds: float


def fit(
    model: nn.Module,
    task: Task,
    plan: Plan,
    *,
    head: str | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int,
    device: str = "cpu",
) -> Trained:
    """Train a copy of ``model`` on the training split of ``task``.

    ``head`` trains only the submodule of that name; the rest stays frozen, normalisation statistics included.
    ``checkpoint`` is a file that holds the state after each epoch and is taken up if it belongs to the same training;
    it is removed by nobody here. ``progress`` is called with (epochs done, epochs). A loss or an answer that is not
    finite raises :class:`~archlock.errors.MeasurementError`.
    """
    began = time.perf_counter()
    state = _State(_channels_last(copy.deepcopy(model).to(device)), task, plan, head)
    identity = fingerprint([task.fingerprint, plan, seed, head, _digest(model)]) if checkpoint else ""
    if checkpoint is not None:
        state.resume(checkpoint, identity)
    while state.epoch < plan.epochs and not state.exhausted():
        epoch_seed = derive_seed(seed, "epoch", state.epoch)
        with _drawing(epoch_seed, device):
            state.run_epoch(epoch_seed, device)
        if checkpoint is not None:
            state.save(checkpoint, identity, time.perf_counter() - began)
        if progress is not None:
            progress(state.epoch, plan.epochs)
    if state.best is not None:
        state.model.load_state_dict(state.best)
    state.model.eval().requires_grad_(True)
    validation = max(state.curve) if state.curve else evaluate(state.model, task.validation, device=device)
    seconds = state.seconds_before + time.perf_counter() - began
    return Trained(state.model, validation, tuple(state.curve) or (validation,), tuple(state.losses), seconds)


class _State:
    """Everything that changes while a training runs, and its way to disk and back."""

    def __init__(self, model: nn.Module, task: Task, plan: Plan, head: str | None) -> None:
        self.model, self.task, self.plan, self.head = model, task, plan, head
        trained = model if head is None else model.get_submodule(head)
        model.requires_grad_(False)
        trained.requires_grad_(True)
        decayed = [p for p in trained.parameters() if p.ndim > 1]
        plain = [p for p in trained.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.SGD(
            [{"params": decayed, "weight_decay": plan.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=plan.learning_rate,
            momentum=plan.momentum,
            nesterov=plan.momentum > 0,
            fused=True,
        )
        self.epoch = 0
        self.curve: list[float] = []
        self.losses: list[float] = []
        self.best: dict[str, Any] | None = None
        self.seconds_before = 0.0

    def exhausted(self) -> bool:
        patience = self.plan.patience
        return patience is not None and len(self.curve) - int(np.argmax([*self.curve, -math.inf])) > patience

    def run_epoch(self, seed: int, device: str) -> None:
        self.model.train(self.head is None)
        if self.head is not None:
            self.model.get_submodule(self.head).train()
        steps = max(1, math.ceil((len(self.task.train) - 1) / self.plan.batch_size))  # no last batch of one
        total, done = 0.0, 0
        for step, split in enumerate(augmented(self.task.train, self.plan, seed)):
            for group in self.optimizer.param_groups:
                group["lr"] = self.plan.learning_rate * _schedule(
                    (self.epoch * steps + step + 0.5) / (self.plan.epochs * steps), self.plan.warmup
                )
            for batch in batches(split, len(split)):
                total += self._step(batch.to(device)) * len(batch)
                done += len(batch)
        if not math.isfinite(total):
            raise MeasurementError(
                f"training on {self.task.name!r} diverged in epoch {self.epoch + 1} at learning rate "
                f"{self.plan.learning_rate:g}; try a smaller one"
            )
        self.losses.append(total / done)
        self.epoch += 1
        if self.plan.patience is not None:
            score = evaluate(self.model, self.task.validation, device=device)
            if score > max(self.curve, default=-math.inf):
                self.best = {name: value.clone() for name, value in self.model.state_dict().items()}
            self.curve.append(score)

    def _step(self, batch: Any) -> float:
        with torch.autocast(batch.images.device.type, torch.bfloat16, enabled=self.plan.precision == "bfloat16"):
            outputs = self.model(batch.images)
        loss = loss_of(outputs.float(), batch.targets, label_smoothing=self.plan.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimizer.step()
        return float(loss.detach())

    def save(self, path: Path, identity: str, seconds: float) -> None:
        stream = io.BytesIO()
        state = {
            "identity": identity,
            "epoch": self.epoch,
            "curve": self.curve,
            "losses": self.losses,
            "seconds": self.seconds_before + seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
        }
        torch.save(state, stream)
        write_atomic(path, stream.getvalue())

    def resume(self, path: Path, identity: str) -> None:
        if not path.exists():
            return
        try:
            state = torch.load(path, weights_only=True)
        except Exception:
            return
        if not isinstance(state, dict) or state.get("identity") != identity:
            return
        self.epoch, self.curve, self.losses = state["epoch"], state["curve"], state["losses"]
        self.best, self.seconds_before = state["best"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def _schedule(done: float, warmup: float) -> float:
    """Share of the peak learning rate when ``done`` of the training (0 to 1) is over: linear up, cosine down.

    Asked for the middle of each step, so that no step has the rate 0: few-shot attacks have only a handful.
    """
    if done < warmup:
        return done / warmup
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def _channels_last(model: nn.Module) -> nn.Module:
    """Convolution weights in channels-last memory: same values, about twice the speed on CPU."""
    for parameter in model.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


@contextmanager
def _drawing(seed: int, device: str) -> Iterator[None]:
    """Inside, what a model draws (dropout) depends on the seed alone; outside, the global generators do not move."""
    on_cuda = torch.device(device).type == "cuda"
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count())) if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            torch.cuda.manual_seed_all(seed)
        yield


def _digest(model: nn.Module) -> str:
    """Identity of a model's structure and weights, so that a checkpoint is never taken up by another training."""
    digest = hashlib.sha256(repr(model).encode())
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
