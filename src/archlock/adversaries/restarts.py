"""Climbs that begin again where the last one did not get there: what adversaries along gradients share."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from archlock.adversaries.adversary import Given

Found = tuple[Float[Tensor, "n c h w"], Bool[Tensor, " n"]]
"""Perturbed images, and whether the model is wrong about each."""


def until_beaten(given: Given, climbs: Sequence[Callable[[Given], Found]]) -> Float[Tensor, "n c h w"]:
    """The answer of the first climb that makes the model wrong about an image, else that of the last one."""
    perturbed, left = given.images.clone(), torch.arange(len(given), device=given.images.device)
    for one in climbs:
        found, wrong = one(given.take(left))
        perturbed[left] = found
        left = left[~wrong]
        if len(left) == 0:
            break
    return perturbed
