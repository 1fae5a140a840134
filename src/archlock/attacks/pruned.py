"""Pruned, then fine-tuned: throw away what hardly matters, and learn the target in the room that is gained.

Fine-pruning (Liu et al. 2018) prunes channels that sleep on clean images, to take a backdoor out, and then fine-tunes.
Here single weights go, the smallest by magnitude (Han et al. 2015), over the whole body at once and not layer by layer;
and the zeros may grow again, since the attacker wants the target task and not a small model.
"""

from copy import deepcopy

import torch
from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, training_from
from archlock.models import Headed, as_classifier, with_new_head
from archlock.tasks import Task

SHARE = 0.5
"""Of the weights of convolutions and linear layers."""


class Pruned(Attack):
    """The smallest half of the weights of the body becomes zero; new head, then all weights train."""

    name = "pruned"
    summary = "sets the smallest half of the weights to zero, then gives the model a new head and trains all weights"
    settings = (0.1, 0.02)

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Fine-tunings of the pruned model."""
        fresh = with_new_head(without_small_weights(as_classifier(model, task.shape)), task.signature, seed=seed)
        return training_from(fresh, task, seed=seed, device=device)


def without_small_weights(model: nn.Module) -> nn.Module:
    """A copy of the model with the smallest :data:`SHARE` of the weights of its body set to zero, the head left out.

    The model is one of ours, or what ``as_classifier`` made of another.
    (The pruning of torch itself cannot take weights in channels-last memory, which trained ones are in.)
    """
    copy = deepcopy(model)
    assert isinstance(copy, Headed)  # (for mypy)
    kept = set(copy.head.modules())
    layers = [m for m in copy.modules() if isinstance(m, nn.Conv2d | nn.Linear) and m not in kept]
    weights = {layer.weight: layer for layer in layers}  # (one that is shared counts once)
    if not weights:
        return copy
    sizes = torch.cat([weight.detach().abs().flatten() for weight in weights])
    small = torch.zeros_like(sizes, dtype=torch.bool)
    small[sizes.topk(round(SHARE * len(sizes)), largest=False).indices] = True
    parts = torch.split(small, [weight.numel() for weight in weights])
    with torch.no_grad():
        for (weight, layer), gone in zip(weights.items(), parts, strict=True):
            kept_values = weight.masked_fill(gone.reshape(weight.shape), 0)
            if isinstance(weight, nn.Parameter):
                weight.copy_(kept_values)
            else:
                layer.weight = kept_values  # (to its parametrisations)
    return copy
