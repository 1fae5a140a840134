"""Regrown: give channels that do nothing new weights, renormalise, fit the head, then train everything.

Zeros, channels that never fire and copies of channels are room that a network was denied (non-transferable pruning,
Ding et al. 2024, judges its attackers with the zeros held at zero). Attackers hold nothing at zero: the model answers
the same (see :mod:`~archlock.models.regrowing`), is brought into a form that trains, since somebody who zeroes channels
may have hidden the rest as well (:mod:`~archlock.models.rebalancing`), and goes on as in LP-FT (Kumar et al. 2022).
"""

from copy import deepcopy

import torch
from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.renormalised import IMAGES as BALANCED_ON
from archlock.attacks.setting import Setting
from archlock.attacks.trial import Trial, training_from_head
from archlock.models import as_classifier, rebalanced, regrown
from archlock.seeding import rng_for
from archlock.tasks import Task
from archlock.training import batch_of, linear_probe

IMAGES = 500
"""Unlabelled images on which it is seen what does nothing; all there are, where there are fewer."""


class Regrown(Attack):
    """The better of the fitted head and the fine-tuned model counts, as in LP-FT.

    Where every channel does something it is ``renormalised``.
    """

    name = "regrown"
    summary = "gives zeroed, silent and repeated channels new weights, renormalises, fits a new head, then trains all"
    settings = (0.2, 0.05, Setting(1e-3, "adamw"))

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """One regrowing, one balancing and one probe; fine-tunings from there."""
        probed = linear_probe(regrown_for(model, task, seed=seed, device=device), task, seed=seed, device=device)
        return training_from_head(probed, task, seed=seed, device=device)


def regrown_for(model: nn.Module, task: Task, *, seed: int, device: str) -> nn.Module:
    """A copy of the model on that device, regrown and renormalised on images of the task; it answers the same there."""
    ready = deepcopy(as_classifier(model, task.shape)).to(device)
    rows = rng_for(seed, "regrowing").permutation(len(task.train))[:IMAGES]
    images = batch_of(task.train.take(rows)).images
    with torch.no_grad():
        return rebalanced(regrown(ready, images, seed=seed).model, images[:BALANCED_ON]).model
