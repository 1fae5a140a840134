"""Everything that changes while a model is hardened (``harden``), a step of it, and its way to disk and back."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from archlock.adversaries import ADVERSARIES, Ball, Effort, in_evaluation, worst_near, wrong_about
from archlock.errors import MeasurementError
from archlock.models import condition_gap, linear_head, weight_matrices
from archlock.seeding import derive_seed, rng_for
from archlock.tasks import Split, Task
from archlock.training.augmentation import augmented
from archlock.training.batches import Batch, batch_of
from archlock.training.checkpoints import load_state, save_state
from archlock.training.descent import REMEMBERED, descend, divergence, optimiser_for, set_rate, steps_per_epoch
from archlock.training.hardening import Hardening, Immunising
from archlock.training.immunisation import log_condition
from archlock.training.losses import loss_of
from archlock.training.plan import Plan
from archlock.training.sparsity import check_possible, masks_at, prunable, sparse_shape, sparsity_at, typical

PRUNINGS: Final = 100
"""Times that weights are pruned, at most, on the way to the final sparsity."""
JUDGED_ON: Final = 500
"""Validation images by which an epoch is chosen, at most."""
JUDGING: Final = Effort(steps=10)
"""Of the climb that judges an epoch."""


def robust_accuracy(model: nn.Module, split: Split, ball: Ball, *, seed: int, device: str = "cpu") -> float:
    """Share of at most 500 images of a split that a model is right about after PGD of 10 steps: to choose by.

    An upper bound; what a report says of a model is measured by stronger adversaries.
    """
    rows = np.sort(rng_for(seed, "harden", "judged on").permutation(len(split))[:JUDGED_ON])
    batch, seeds = batch_of(split.take(rows)).to(device), [derive_seed(seed, int(row)) for row in rows]
    with in_evaluation(model):
        perturbed = ADVERSARIES["pgd"].perturb(model, batch.images, batch.targets, ball, JUDGING, seeds=seeds)
        return 1.0 - float(wrong_about(model, perturbed, batch.targets).mean())


@contextmanager
def _features_of(model: nn.Module, seen: list[Tensor]) -> Iterator[None]:
    """Inside, what goes into the head is appended to the list."""
    handle = linear_head(model).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        yield
    finally:
        handle.remove()


def _endless(target: Task, plan: Plan, seed: int) -> Iterator[Split]:
    """Batches of the target, one epoch after another."""
    for turn in count():
        yield from augmented(target.train, plan, derive_seed(seed, "immunising", turn))


class HardeningState:
    """A copy that trains, its masks, and which of its epochs is best."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        plan: Plan,
        hardening: Hardening,
        seed: int,
        immunising: Immunising | None,
    ) -> None:
        self.model, self.task, self.plan, self.hardening, self.seed = model, task, plan, hardening, seed
        self.immunising = immunising
        model.requires_grad_(True)
        self.weights = prunable(model)
        if hardening.sparsity:
            check_possible(self.weights, hardening.sparsity)
        with_spectra = [layer for layer in model.modules() if weight_matrices(layer)]
        self.constrained = list({id(layer.weight): layer for layer in with_spectra}.values())
        """Layers with a condition number; of several that share their weights one."""
        self.masks: dict[str, Tensor] = {}
        self.scales = {name: typical(weight) for name, weight in self.weights.items()}
        self.optimizer = optimiser_for(model.parameters(), plan)
        self.total = plan.epochs * steps_per_epoch(plan, len(task.train))
        self.pruned_at = min(self.total - 1, math.ceil(hardening.pruned_by * self.total))
        """The step, from 0, before which the masks are fixed."""
        self.epoch = 0
        self.losses: list[float] = []
        self.robust: list[float] = []
        self.best: dict[str, Any] | None = None
        self.seconds_before = 0.0

    def run_epoch(self, seed: int, device: str) -> None:
        """Train for an epoch, and judge the model if it is as sparse as it will be."""
        examples = len(self.task.train)
        begun = self.epoch * steps_per_epoch(self.plan, examples)
        total, done = 0.0, 0
        others = None if self.immunising is None else _endless(self.immunising.target, self.plan, seed)
        for place, split in enumerate(augmented(self.task.train, self.plan, seed)):
            step = begun + place
            set_rate(self.optimizer, self.plan, step=step, examples=examples)
            self._prune(step)
            batch = batch_of(split).to(device)
            other = None if others is None else batch_of(next(others)).to(device)
            total += self._step(batch, other) * len(batch)
            done += len(batch)
        self.losses.append(total / done)
        self.epoch += 1
        if not self.hardening.sparsity or begun + place >= self.pruned_at:
            self._judge(device)

    def _judge(self, device: str) -> None:
        """Keep the model if it is the best so far."""
        score = robust_accuracy(self.model, self.task.validation, self.hardening.ball, seed=self.seed, device=device)
        if score > max(self.robust, default=-math.inf):
            self.best = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.robust.append(score)

    def _step(self, batch: Batch, other: Batch | None) -> float:
        images = worst_near(self.model, batch.images, batch.targets, self.hardening.ball, self.hardening.steps)
        self.model.train()
        seen: list[Tensor] = []
        with _features_of(self.model, seen) if other is not None else nullcontext():
            answers = self.model(images)
            if other is not None:  # (as attackers will see them: statistics over a batch stay those of the own task)
                self.model.eval()(other.images)
        loss = loss_of(answers.float(), batch.targets, kind=batch.kind, label_smoothing=self.plan.label_smoothing)
        loss = loss + self._terms()
        if self.immunising is not None:
            own, foreign = (log_condition(features).float() for features in seen)
            loss = loss + self.immunising.own * own - self.immunising.other * foreign
        if not math.isfinite(float(loss.detach())):
            raise MeasurementError(divergence(self.task.name, self.plan, self.epoch + 1))
        descend(self.optimizer, loss, self.plan)
        self._keep_masks()
        return float(loss.detach())

    def _terms(self) -> Tensor | float:
        """The constraints, each a mean over layers."""
        found: Tensor | float = 0.0
        if self.hardening.condition and self.constrained:
            matrices = [matrix for layer in self.constrained for matrix in weight_matrices(layer)]
            gaps = [condition_gap(matrix) for matrix in matrices if bool((matrix != 0).any())]
            found = found + self.hardening.condition * torch.stack(gaps).mean()
        if self.hardening.shape:
            shapes = [sparse_shape(weight, self.scales[name]) for name, weight in self.weights.items()]
            found = found + self.hardening.shape * torch.stack(shapes).mean()
        return found

    @torch.no_grad()
    def _prune(self, step: int) -> None:
        """New masks, as often as it takes; after the last pruning they are fixed."""
        hardening, last = self.hardening, self.pruned_at
        if not hardening.sparsity or step > last or (step < last and step % max(1, last // PRUNINGS)):
            return
        done = step / self.total if step < last else 1.0
        self.masks = masks_at(self.weights, sparsity_at(done, hardening.sparsity, hardening.pruned_by))
        self._keep_masks()

    @torch.no_grad()
    def _keep_masks(self) -> None:
        """What is pruned is zero, and so is what the optimiser remembers of it."""
        for name, mask in self.masks.items():
            weight = self.weights[name]
            weight.mul_(mask)
            for key in REMEMBERED[self.plan.optimiser]:
                if key in self.optimizer.state[weight]:
                    self.optimizer.state[weight][key].mul_(mask)

    def save(self, path: Path, identity: str, seconds: float) -> None:
        """Write all of it."""
        state = {
            "epoch": self.epoch,
            "losses": self.losses,
            "robust": self.robust,
            "seconds": self.seconds_before + seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "masks": self.masks,
        }
        save_state(path, identity, state)

    def resume(self, path: Path, identity: str, device: str) -> None:
        """Take up what was written of the same training, if there is any."""
        state = load_state(path, identity, device=device)
        if state is None:
            return
        self.epoch, self.losses, self.robust = state["epoch"], state["losses"], state["robust"]
        self.best, self.masks, self.seconds_before = state["best"], state["masks"], state["seconds"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
