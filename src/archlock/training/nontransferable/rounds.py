"""Train a network on, in rounds, so that targets gain less from it, as far as the source floor allows.

A round is so many steps that all rounds together pass as many images forward and backward as the plan's own training on
the source does: the network costs its plain training once more. After each round it is judged on the source's
validation split, and the last round that keeps the floor is what comes back; where none does, the network as it was
given. Deterministic given the seed; survives a kill at the end of a round, like any training here.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.identity import identity_of
from archlock.models import as_classifier, linear_head
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.tasks import Split, Task, check_classes, conform_to, subsample
from archlock.training.augmentation import augmented
from archlock.training.batches import Batch, batch_of
from archlock.training.checkpoints import digest, load_state, save_state
from archlock.training.descent import channels_last
from archlock.training.evaluate import evaluate
from archlock.training.fit import drawing
from archlock.training.linear_probe import frozen_features
from archlock.training.nontransferable.method import NontransferableTraining, Restricted
from archlock.training.plan import Plan

FEWEST: Final = 4
"""Examples of a batch of a target: half of it is learned and half judged, and normalisation wants two."""
HEAD_EXAMPLES: Final = 1000
"""Most training examples by which a target's head is fitted before every round."""


@dataclass(frozen=True, slots=True, eq=False)
class Nontransferable:
    """What a nontransferable training came to."""

    model: nn.Module
    """In evaluation mode: of the last round that kept the floor, or as it was given."""
    before: float
    """Source validation score of the given network."""
    validation: float
    """The same of ``model``."""
    kept: int
    """The round that ``model`` is of, from 1; 0: given up, since no round kept the floor."""
    curve: tuple[float, ...]
    """Source validation score after every round."""
    losses: tuple[float, ...]
    """Mean loss of the steps of every round; what it is a loss of depends on the way of training."""
    images: int
    """That passed forward and backward in all rounds, of the source and of targets."""
    seconds: float


def check_restricted(targets: Sequence[Task]) -> None:
    """What a network cannot be trained against is refused in words: no target, another kind, too few examples."""
    if not targets:
        raise ConfigurationError(
            "a nontransferable training needs a target to be hard for, known or simulated; got none"
        )
    for target in targets:
        check_classes(target, "a nontransferable training takes targets with one class for each example; leave it out")
        if len(target.train) < FEWEST:
            raise UnsupportedError(
                f"a nontransferable training needs {FEWEST} training examples of a target at least; "
                f"{target.name!r} has {len(target.train)}"
            )


def train_nontransferable(
    model: nn.Module,
    source: Task,
    targets: Sequence[Task],
    training: NontransferableTraining,
    plan: Plan,
    *,
    floor: float,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int,
    device: str = "cpu",
) -> Nontransferable:
    """Train a copy of ``model``, which knows ``source``, against the training splits of ``targets``.

    Of the ``plan`` count the epochs (as rounds), the batch size, shifts and flips (flips of the source alone) and the
    precision; rates are those of the ``training``. Targets are conformed to the source's images and meet in turn.
    ``floor`` is a score on the source's validation split. ``checkpoint`` holds the state after every round and is taken
    up if it belongs to the same training. ``progress`` is called with (rounds done, rounds). See
    :func:`check_restricted` for what is refused. A loss or an answer that is not finite raises
    :class:`~archlock.errors.MeasurementError`.
    """
    check_restricted(targets)
    began = time.perf_counter()
    fitting = [target if target.shape == source.shape else conform_to(target, source.signature) for target in targets]
    state = _State(model, source, fitting, training, plan, device)
    identity = ""
    if checkpoint is not None:
        of_targets = [target.fingerprint for target in fitting]
        method = identity_of(training, base=NontransferableTraining)
        identity = fingerprint([source.fingerprint, of_targets, method, plan, floor, seed, digest(model)])
        state.resume(checkpoint, identity)
    while state.round < plan.epochs:
        round_seed = derive_seed(seed, "nontransferable", state.round)
        with drawing(round_seed, device):
            state.run_round(round_seed, floor)
        if checkpoint is not None:
            state.save(checkpoint, identity, time.perf_counter() - began)
        if progress is not None:
            progress(state.round, plan.epochs)
    return state.finished(state.seconds_before + time.perf_counter() - began)


class _State:
    """Everything that changes while a network is trained on, and its way to disk and back."""

    def __init__(
        self,
        model: nn.Module,
        source: Task,
        targets: Sequence[Task],
        training: NontransferableTraining,
        plan: Plan,
        device: str,
    ) -> None:
        given = copy.deepcopy(as_classifier(model, source.shape)).to(device)
        linear_head(given)  # one of another kind is refused here
        self.model = channels_last(given).eval().requires_grad_(True)
        self.source, self.targets, self.training, self.plan, self.device = source, targets, training, plan, device
        self.optimisers = training.optimisers(self.model.parameters())
        self.before = evaluate(self.model, source.validation, device=device)
        self.best: dict[str, Any] = _copied(self.model)
        self.kept = self.round = 0
        self.curve: list[float] = []
        self.losses: list[float] = []
        self.images = 0
        self.seconds_before = 0.0

    @property
    def steps(self) -> int:
        """Of a round."""
        examples = len(self.source.train)
        step = self.training.batches_per_step * min(self.plan.batch_size, examples)
        return max(1, round(examples / step))

    def run_round(self, seed: int, floor: float) -> None:
        restricted = [self._restricted(target, derive_seed(seed, target.fingerprint)) for target in self.targets]
        source = self._counted(_endless(self.source.train, self.plan, derive_seed(seed, "source")))
        self.model.train()
        total = 0.0
        for step in range(self.steps):
            target = restricted[(self.round * self.steps + step) % len(restricted)]
            with torch.autocast(
                torch.device(self.device).type, torch.bfloat16, enabled=self.plan.precision == "bfloat16"
            ):
                total += self.training.step(self.model, self.optimisers, source, target)
            if not math.isfinite(total):
                raise MeasurementError(
                    f"nontransferable training ({self.training.name}) on {self.source.name!r} diverged in round "
                    f"{self.round + 1} of {self.plan.epochs}: its loss is no finite number; try smaller rates"
                )
        self.model.eval()
        score = evaluate(self.model, self.source.validation, device=self.device)
        self.round += 1
        self.losses.append(total / self.steps)
        self.curve.append(score)
        if score >= floor:
            self.kept, self.best = self.round, _copied(self.model)

    def finished(self, seconds: float) -> Nontransferable:
        self.model.load_state_dict(self.best)
        self.model.eval().requires_grad_(True)
        for parameter in self.model.parameters():
            parameter.grad = None
        validation = self.curve[self.kept - 1] if self.kept else self.before
        return Nontransferable(
            self.model,
            self.before,
            validation,
            self.kept,
            tuple(self.curve),
            tuple(self.losses),
            self.images,
            seconds,
        )

    def save(self, path: Path, identity: str, seconds: float) -> None:
        state = {
            "round": self.round,
            "kept": self.kept,
            "curve": self.curve,
            "losses": self.losses,
            "images": self.images,
            "seconds": self.seconds_before + seconds,
            "model": self.model.state_dict(),
            "best": self.best,
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }
        save_state(path, identity, state)

    def resume(self, path: Path, identity: str) -> None:
        state = load_state(path, identity, device=self.device)
        if state is None:
            return
        self.round, self.kept, self.images = state["round"], state["kept"], state["images"]
        self.curve, self.losses, self.seconds_before = state["curve"], state["losses"], state["seconds"]
        self.best = state["best"]
        self.model.load_state_dict(state["model"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)

    def _restricted(self, target: Task, seed: int) -> Restricted:
        """A target with a head that is fitted to what the body says of it now."""
        few = subsample(target, min(HEAD_EXAMPLES, len(target.train)), seed=0)
        probed = frozen_features(self.model, few, seed=seed, device=self.device).probe((0.1,), device=self.device)
        head = linear_head(probed.model).to(self.device).requires_grad_(False)
        plan = replace(self.plan, batch_size=max(FEWEST, self.plan.batch_size), flip=False)
        return Restricted(self._counted(_endless(target.train, plan, seed, least=FEWEST)), head)

    def _counted(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            self.images += len(batch)
            yield batch.to(self.device)


def _endless(split: Split, plan: Plan, seed: int, *, least: int = 1) -> Iterator[Batch]:
    """Augmented batches without end, every example once before any comes again; small last batches are left out."""
    turn = 0
    while True:
        for part in augmented(split, plan, derive_seed(seed, turn)):
            if len(part) >= least:
                yield batch_of(part)
        turn += 1


def _copied(model: nn.Module) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
