"""Renormalised: bring the model into a form that trains, then fit the head, then train everything.

Normalisation that was folded away, channels of wildly different size and the like keep a network from being fine-tuned
and change nothing of what it knows. The attacker folds and equalises what is left and puts normalisation back, on their
own images and without a label (see :mod:`~archlock.models.rebalancing`), and goes on as in LP-FT (Kumar et al. 2022).
The model answers the same until it is trained.
"""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.models import as_classifier, rebalanced
from archlock.seeding import rng_for
from archlock.tasks import Task
from archlock.training import Plan, batch_of, fit, linear_probe

IMAGES = 200
"""Unlabelled images that it is balanced on; all there are, where there are fewer."""


class Renormalised(Attack):
    """The better of the fitted head and the fine-tuned model counts, as in LP-FT; gradients are clipped.

    Where nothing can be folded, equalised or normalised it is LP-FT with clipped gradients.
    """

    name = "renormalised"
    summary = "puts the same function into a form that trains, on unlabelled images, fits a new head, then trains all"

    settings = (0.2, 0.05)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One balancing, one probe and one fine-tuning at that learning rate."""
        ready = deepcopy(as_classifier(model, task.shape)).to(device)
        rows = rng_for(seed, "balancing").permutation(len(task.train))[:IMAGES]
        images = batch_of(task.train.take(rows)).images
        with torch.no_grad():
            balanced = rebalanced(ready, images)
        probed = linear_probe(balanced.model, task, seed=seed, device=device)
        trained = fit(probed.model, task, replace(plan.with_rate(setting), clip=1.0), seed=seed, device=device)
        return Adapted.better_of(probed, trained)
