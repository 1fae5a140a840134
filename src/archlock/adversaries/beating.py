"""At which of several epsilons an adversary first makes a model wrong about an image."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from archlock.adversaries.adversary import Adversary, Effort, in_evaluation
from archlock.adversaries.ball import Ball, Norm
from archlock.adversaries.losses import answers
from archlock.errors import ConfigurationError

ALREADY: Final = 0
"""An image that the model is wrong about as it is."""


def first_beaten(
    adversary: Adversary,
    model: nn.Module,
    images: Float[Tensor, "n c h w"],
    labels: Int64[Tensor, " n"],
    epsilons: Sequence[float],
    *,
    norm: Norm = "linf",
    effort: Effort | None = None,
    seeds: Sequence[int],
) -> Int64[np.ndarray, " n"]:
    """Of each image: 0 if the model is wrong about it as it is, 1 at the first epsilon, ..., len(epsilons) + 1: never.

    ``epsilons`` rise and are above 0. What makes the model wrong within one epsilon does so within every larger one,
    so an image is perturbed no further once it is beaten, and no adversary gets weaker with epsilon. That an image is
    beaten is what the model answers to the perturbed image, never what the adversary says.
    """
    if any(low >= high for low, high in pairwise((0.0, *epsilons))):
        raise ConfigurationError(f"epsilons are above 0 and rise; got {tuple(epsilons)}")
    with in_evaluation(model):
        found = np.full(len(images), len(epsilons) + 1)
        found[wrong_about(model, images, labels)] = ALREADY
        for place, epsilon in enumerate(epsilons, 1):
            left = np.flatnonzero(found > len(epsilons))
            rows = torch.from_numpy(left).to(images.device)
            own = [seeds[row] for row in left.tolist()]
            perturbed = adversary.perturb(model, images[rows], labels[rows], Ball(epsilon, norm), effort, seeds=own)
            found[left[wrong_about(model, perturbed, labels[rows])]] = place
    return found


def wrong_about(model: nn.Module, images: Float[Tensor, "n c h w"], labels: Int64[Tensor, " n"]) -> np.ndarray:
    """Which images the model, as it stands, gives another class."""
    if len(images) == 0:
        return np.zeros(0, dtype=bool)
    found: np.ndarray = (answers(model, images).argmax(1) != labels).cpu().numpy()
    return found
