"""Surgery: attackers who know this defence open what hinders them, keep the weights, and add width.

First the model is brought into a form that trains (:mod:`archlock.models.rebalancing`). Then every operation that is
not a 3x3 convolution gets one beside it that begins at scale zero, and a second tower with new weights stands beside
the first, which the head takes zero times at first (:mod:`archlock.models.surgery`). So nothing that the model knows is
lost, it answers the same until it is trained, and nothing that its architecture forbids stays forbidden. A step costs
two to six times as much as one of fine-tuning, most where the given cell has no 3x3 convolution.
"""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.renormalised import IMAGES
from archlock.attacks.trial import Trial, training_from_head
from archlock.models import as_classifier, opened, rebalanced, widened
from archlock.seeding import rng_for
from archlock.tasks import Task
from archlock.training import batch_of, linear_probe


class Surgery(Attack):
    """Renormalise, open, fit a head, widen, then all weights train; for a dense target the model is not widened.

    The better of the fitted head and the trained model counts, as in LP-FT.
    """

    name = "surgery"
    summary = "renormalises, adds convolutions where there are none and a second tower, fits a head, then trains all"
    settings = (0.2, 0.05)

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """The changed model and its head once; trainings from there."""
        probed = linear_probe(operated(model, task, seed=seed, device=device), task, seed=seed, device=device)
        if not task.traits.dense:
            probed = replace(probed, model=widened(probed.model, seed=seed))
        return training_from_head(probed, task, seed=seed, device=device)


def operated(model: nn.Module, task: Task, *, seed: int, device: str) -> nn.Module:
    """A copy of the model on that device, renormalised on images of the task and opened; it answers the same."""
    ready = deepcopy(as_classifier(model, task.shape)).to(device)
    rows = rng_for(seed, "balancing").permutation(len(task.train))[:IMAGES]
    images = batch_of(task.train.take(rows)).images
    with torch.no_grad():
        balanced = rebalanced(ready, images).model
    return opened(balanced, images[:1], seed=seed)
