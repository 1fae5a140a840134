"""Steps along the gradient whose size is halved where the loss no longer rises: on cross entropy, then on DLR.

Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks", ICML
2020, algorithm 1 (auto-PGD) with alpha = 0.75, rho = 0.75, steps of 2 epsilon to begin with, and the checkpoints of
section 3.1. Deviations: an image is left as soon as the model is wrong about it; the second loss is tried on those
that the first did not beat; no targeted form of DLR.
"""

import math
from dataclasses import dataclass, fields
from functools import partial
from typing import Final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from archlock.adversaries.adversary import Adversary, Effort, Given
from archlock.adversaries.losses import LossName, climb
from archlock.adversaries.restarts import Found, until_beaten

MOMENTUM: Final = 0.75
RISES: Final = 0.75
"""Share of steps that must raise the loss between two checkpoints."""
FIRST: Final = 0.22
SHORTER: Final = 0.03
SHORTEST: Final = 0.06


def checkpoints(steps: int) -> tuple[int, ...]:
    """Steps at which sizes are looked at.

    They are ceil(p_j steps) with p_0 = 0, p_1 = 0.22 and p_j+1 = p_j + max(p_j - p_j-1 - 0.03, 0.06).

    >>> checkpoints(100)
    (22, 41, 57, 70, 80, 87, 93, 99)
    """
    shares = [0.0, FIRST]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - SHORTER, SHORTEST))
    found = (math.ceil(round(share * steps, 9)) for share in shares[1:])
    return tuple(dict.fromkeys(place for place in found if place < steps))


class AutoProjectedGradientDescent(Adversary):
    """Auto-PGD on cross entropy and on the difference of logits ratio."""

    name = "apgd"
    paper = "Croce, Hein 2020"
    summary = "takes steps along gradients of two losses, halved where they no longer help"

    def strongest(self, given: Given, effort: Effort) -> Float[Tensor, "n c h w"]:
        """``restarts`` climbs on each loss, from random places."""
        losses: tuple[LossName, ...] = ("cross_entropy", "dlr")
        climbs = [partial(_climbed, effort.steps, loss, number) for loss in losses for number in range(effort.restarts)]
        return until_beaten(given, climbs)


@dataclass(slots=True, eq=False)
class _Climb:
    """Where the images are that are still right, and what was found on the way; one row an image."""

    places: Int64[Tensor, " n"]
    here: Float[Tensor, "n c h w"]
    before: Float[Tensor, "n c h w"]
    loss: Float[Tensor, " n"]
    gradient: Float[Tensor, "n c h w"]
    size: Float[Tensor, "n 1 1 1"]
    best: Float[Tensor, "n c h w"]
    best_loss: Float[Tensor, " n"]
    best_gradient: Float[Tensor, "n c h w"]
    rises: Float[Tensor, " n"]
    """Steps since the last checkpoint that raised the loss."""
    last_best: Float[Tensor, " n"]
    """The best loss at the last checkpoint."""
    halved: Bool[Tensor, " n"]
    """Whether the size was halved there."""

    def keep(self, rows: Tensor) -> None:
        """Those rows alone."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name)[rows])


def _climbed(steps: int, loss: LossName, number: int, given: Given) -> Found:
    perturbed = given.ball.sample(given.images, given.rngs("apgd", loss, number))
    first = climb(given.model, perturbed, given.labels, loss)
    wrong = first.wrong.clone()
    state = _begun(given, perturbed, first.losses, first.gradient)
    state.keep(~wrong)
    marks = checkpoints(steps)
    for step in range(1, steps):
        if len(state.places) == 0:
            break
        _step(state, given, step)
        rows = state.places
        found = climb(given.model, state.here, given.labels[rows], loss)
        perturbed[rows[found.wrong]] = state.here[found.wrong]
        wrong[rows[found.wrong]] = True
        _look(state, found.losses, found.gradient)
        state.keep(~found.wrong)
        if step in marks and len(state.places):
            place = marks.index(step)
            _at_checkpoint(state, step - (marks[place - 1] if place else 0))
    perturbed[state.places] = state.best
    return perturbed, wrong


def _begun(given: Given, begun: Tensor, loss: Tensor, gradient: Tensor) -> _Climb:
    count = len(given)
    return _Climb(
        places=torch.arange(count, device=begun.device),
        here=begun.clone(),
        before=begun.clone(),
        loss=loss.clone(),
        gradient=gradient.clone(),
        size=begun.new_full((count, 1, 1, 1), 2 * given.ball.epsilon),
        best=begun.clone(),
        best_loss=loss.clone(),
        best_gradient=gradient.clone(),
        rises=loss.new_zeros(count),
        last_best=loss.clone(),
        halved=torch.zeros(count, dtype=torch.bool, device=begun.device),
    )


def _step(state: _Climb, given: Given, step: int) -> None:
    """One step of algorithm 1: along the gradient, and on in the direction of the last step."""
    ball, images = given.ball, given.images[state.places]
    ahead = ball.project(images, state.here + state.size * ball.steepest(state.gradient))
    if step > 1:
        moved = MOMENTUM * (ahead - state.here) + (1 - MOMENTUM) * (state.here - state.before)
        ahead = ball.project(images, state.here + moved)
    state.before, state.here = state.here, ahead


def _look(state: _Climb, losses: Tensor, gradient: Tensor) -> None:
    """What the losses at the new place say."""
    state.rises = state.rises + (losses > state.loss)
    state.loss, state.gradient = losses, gradient
    better = losses > state.best_loss
    wide = better[:, None, None, None]
    state.best = torch.where(wide, state.here, state.best)
    state.best_gradient = torch.where(wide, gradient, state.best_gradient)
    state.best_loss = torch.where(better, losses, state.best_loss)


def _at_checkpoint(state: _Climb, passed: int) -> None:
    """Halve the size and go back to the best place, where too few steps helped or nothing became better."""
    few = state.rises < RISES * passed
    still = ~state.halved & (state.last_best >= state.best_loss)
    state.halved = few | still
    wide = state.halved[:, None, None, None]
    state.size = torch.where(wide, state.size / 2, state.size)
    state.here = torch.where(wide, state.best, state.here)
    state.gradient = torch.where(wide, state.best_gradient, state.gradient)
    state.loss = torch.where(state.halved, state.best_loss, state.loss)
    state.before = torch.where(wide, state.best, state.before)
    state.rises = torch.zeros_like(state.rises)
    state.last_best = state.best_loss.clone()
