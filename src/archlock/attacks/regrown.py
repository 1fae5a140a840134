"""Regrown: give channels that do nothing new weights, fit the head, then train everything.

Zeros, channels that never fire and copies of channels are room that a network was denied (non-transferable pruning,
Ding et al. 2024, judges its attackers with the zeros held at zero). Attackers hold nothing at zero: the model answers
the same (see :mod:`~archlock.models.regrowing`), and goes on as in LP-FT (Kumar et al. 2022).
"""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.models import as_classifier, regrown
from archlock.seeding import rng_for
from archlock.tasks import Task
from archlock.training import Plan, batch_of, fit, linear_probe

IMAGES = 500
"""Unlabelled images on which it is seen what does nothing; all there are, where there are fewer."""


class Regrown(Attack):
    """The better of the fitted head and the fine-tuned model counts, as in LP-FT; gradients are clipped.

    Where every channel does something it is LP-FT with clipped gradients.
    """

    name = "regrown"
    summary = "gives zeroed, silent and repeated channels new weights, fits a new head, then trains all"
    settings = (0.2, 0.05)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One regrowing, one probe and one fine-tuning at that learning rate."""
        ready = regrown_for(model, task, seed=seed, device=device)
        probed = linear_probe(ready, task, seed=seed, device=device)
        trained = fit(probed.model, task, replace(plan.with_rate(setting), clip=1.0), seed=seed, device=device)
        return Adapted.better_of(probed, trained)


def regrown_for(model: nn.Module, task: Task, *, seed: int, device: str) -> nn.Module:
    """A copy of the model on that device, regrown on images of the task."""
    ready = deepcopy(as_classifier(model, task.shape)).to(device)
    rows = rng_for(seed, "regrowing").permutation(len(task.train))[:IMAGES]
    with torch.no_grad():
        return regrown(ready, batch_of(task.train.take(rows)).images, seed=seed).model
