"""SOPHON: a bad start for fine-tuning, by fine-tuning that is simulated (Deng et al. 2024, IEEE S&P, algorithm 1)."""

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from archlock.errors import ConfigurationError
from archlock.training.batches import Batch
from archlock.training.losses import loss_of
from archlock.training.nontransferable.method import NontransferableTraining, Restricted, features_and_answers

Suppression = Literal["inverse_cross_entropy", "kl_from_uniform"]
CLIP: Final = 0.5
"""Largest norm of a suppressing gradient."""


def inverse_cross_entropy(logits: Float[Tensor, "n outputs"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    """Mean cross entropy of 1 - logits: small where the right class has the lowest logit. It has a least value, 0."""
    return F.cross_entropy(1 - logits, labels)


def kl_from_uniform(logits: Float[Tensor, "n outputs"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    """Mean of KL(uniform || softmax): 0 where every class is as likely; labels are not looked at."""
    del labels
    return -F.log_softmax(logits, 1).mean() - math.log(logits.shape[1])


@dataclass(frozen=True, slots=True)
class Sophon(NontransferableTraining):
    """In turn suppresses fine-tuning to a target, by its simulation, and reinforces the source.

    *Suppress*: a copy of the network takes ``simulated_steps`` steps of SGD with momentum on one half of a target batch
    each. After each step the gradient of the suppression loss on the other half is taken at the copy's weights; their
    mean, clipped to norm 0.5, is applied to the network itself by Adam (first order: the copy's steps count as
    constant). Normalisation statistics stay those of the source, for only the copy sees the target.
    *Reinforce*: cross entropy on batches of the source, by another Adam. Deviations from the paper and its code:

    * A simulated fine-tuning begins with a head that is fitted to the features, as an attacker's does who fits the head
      first; theirs begins with a random one, which learns little in so few steps.
    * Eight simulated steps, not 50 to 100, with half of each batch, not nine tenths, so that a budget pays for more.
    * Rates suit a few hundred rounds of small networks trained from scratch; theirs are 3e-4 and 5e-4 (inverse cross
      entropy) or 1e-4 both, with an inner rate of 1e-4, for large pretrained ones.
    * What is kept is decided outside (the last round that keeps the source floor); theirs stops at 80 % accuracy.
    """

    name: str
    suppression: Suppression
    suppress_rate: float
    reinforce_rate: float
    reinforcements: int
    """Batches of the source after each suppression."""
    simulated_steps: int = 8
    inner_rate: float = 0.01
    inner_momentum: float = 0.9

    paper = "Deng et al. 2024, SOPHON (IEEE S&P)"
    summary = "makes simulated fine-tuning to the target fail and trains on with the source in turn"

    def __post_init__(self) -> None:
        if min(self.suppress_rate, self.reinforce_rate, self.inner_rate) <= 0:
            raise ConfigurationError(
                f"SOPHON needs rates above 0; got {self.suppress_rate}, {self.reinforce_rate} and {self.inner_rate}"
            )
        if min(self.simulated_steps, self.reinforcements) < 1:
            raise ConfigurationError(
                "SOPHON needs a simulated step and a reinforcement at least; got "
                f"{self.simulated_steps} and {self.reinforcements}"
            )

    @property
    def batches_per_step(self) -> int:
        """A batch for each simulated step, and those of the source."""
        return self.simulated_steps + self.reinforcements

    def optimisers(self, parameters: Iterable[nn.Parameter]) -> tuple[torch.optim.Optimizer, ...]:
        """That which suppresses, and that which reinforces."""
        trained = list(parameters)
        return (
            torch.optim.Adam(trained, lr=self.suppress_rate),
            torch.optim.Adam(trained, lr=self.reinforce_rate),
        )

    def step(
        self,
        model: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
        source: Iterator[Batch],
        target: Restricted,
    ) -> float:
        """See the head of the class."""
        suppress, reinforce = optimisers
        for parameter, gradient in zip(model.parameters(), self.suppressing(model, target), strict=True):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        suppress.step()
        losses = []
        for _ in range(self.reinforcements):
            batch = next(source)
            loss = loss_of(model(batch.images).float(), batch.targets, kind=batch.kind, label_smoothing=0.0)
            reinforce.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            reinforce.step()
            losses.append(float(loss.detach()))
        return sum(losses) / len(losses)

    def suppressing(self, model: nn.Module, target: Restricted) -> list[Tensor | None]:
        """The gradient that makes simulated fine-tuning fail, for each parameter; None for the head, which it has none
        of. The network is left as it was."""
        copied, head = copy.deepcopy(model), copy.deepcopy(target.head).requires_grad_(True)
        weights = list(copied.parameters())
        inner = torch.optim.SGD([*weights, *head.parameters()], lr=self.inner_rate, momentum=self.inner_momentum)
        sums: list[Tensor | None] = [None] * len(weights)
        judged = 0
        for _ in range(self.simulated_steps):
            batch = next(target.batches)
            half = len(batch) // 2
            features, _ = features_and_answers(copied, batch.images[:half])
            inner.zero_grad(set_to_none=True)
            torch.autograd.backward(F.cross_entropy(head(features.float()), batch.targets[:half]))
            inner.step()
            features, _ = features_and_answers(copied, batch.images[half:])
            bad = self.suppressed(head(features.float()), batch.targets[half:])
            count = len(batch) - half
            judged += count
            gradients = torch.autograd.grad(count * bad, weights, allow_unused=True)
            sums = [
                new if old is None else old if new is None else old + new
                for old, new in zip(sums, gradients, strict=True)
            ]
        return [None if total is None else total / judged for total in sums]

    def suppressed(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss that is low where the target fails."""
        of = {"inverse_cross_entropy": inverse_cross_entropy, "kl_from_uniform": kl_from_uniform}
        return of[self.suppression](logits, labels)
