"""Renormalised: bring the model into a form that trains, then fit the head, then train everything.

Normalisation that was folded away, channels of wildly different size, activations in coarse steps and the like keep a
network from being fine-tuned and change nothing of what it knows. The attacker folds and equalises what is left, puts
normalisation back, and gives activations without a gradient one, on their own images and without a label (see
:mod:`~archlock.models.rebalancing`), and goes on as in LP-FT (Kumar et al. 2022). The model answers the same until it
is trained.
"""

from copy import deepcopy

import torch
from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.setting import Setting
from archlock.attacks.trial import Trial, training_from_head
from archlock.models import as_classifier, rebalanced
from archlock.seeding import rng_for
from archlock.tasks import Task
from archlock.training import batch_of, linear_probe

IMAGES = 200
"""Unlabelled images that it is balanced on; all there are, where there are fewer."""


class Renormalised(Attack):
    """The better of the fitted head and the fine-tuned model counts, as in LP-FT.

    Where nothing can be folded, equalised or normalised it is LP-FT.
    """

    name = "renormalised"
    summary = "puts the same function into a form that trains, on unlabelled images, fits a new head, then trains all"

    settings = (0.2, 0.05, Setting(1e-3, "adamw"))

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """One balancing and one probe; fine-tunings from there."""
        ready = deepcopy(as_classifier(model, task.shape)).to(device)
        rows = rng_for(seed, "balancing").permutation(len(task.train))[:IMAGES]
        images = batch_of(task.train.take(rows)).images
        with torch.no_grad():
            balanced = rebalanced(ready, images)
        probed = linear_probe(balanced.model, task, seed=seed, device=device)
        return training_from_head(probed, task, seed=seed, device=device)
