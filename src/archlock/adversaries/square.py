"""Random squares of full strength, kept where they bring the answer nearer to being wrong; no gradient is looked at.

Andriushchenko, Croce, Flammarion, Hein, "Square attack: a query-efficient black-box adversarial attack via random
search", ECCV 2020, algorithms 1 and 2 (L infinity), with the schedule of section 3.3 for any number of queries and
p = 0.8, as in AutoAttack. It meets gradients that are masked, which is why it is here. Deviations: L infinity alone; a
square never sticks out of an image that is not square; the random numbers of an image are its own.
"""

import math
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from archlock.adversaries.adversary import Adversary, Effort, Given
from archlock.adversaries.losses import answers, margins

SHARE: Final = 0.8
"""Of the image that the first squares cover."""
_FULL: Final = 10_000
"""Queries for which the schedule was made."""
_HALVED_AFTER: Final = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def share_at(query: int, queries: int) -> float:
    """Share of the image that the square of a query covers: 0.8, halved at nine places of the schedule."""
    place = query * _FULL / queries
    return SHARE / 2.0 ** sum(place > after for after in _HALVED_AFTER)


class SquareSearch(Adversary):
    """Random search by squares."""

    name = "square"
    paper = "Andriushchenko et al. 2020"
    summary = "tries random squares and looks at answers alone"
    sees_gradients = False
    norms = ("linf",)

    def strongest(self, given: Given, effort: Effort) -> Float[Tensor, "n c h w"]:
        """Stripes to begin with, then squares; every image at most ``queries`` answers."""
        images, epsilon = given.images, given.ball.epsilon
        _, channels, height, width = images.shape
        rngs = given.rngs("square")
        perturbed = given.ball.project(images, images + epsilon * _stripes(rngs, images))
        best = margins(answers(given.model, perturbed), given.labels)
        tries = torch.from_numpy(
            np.stack([rng.random((effort.queries, 2 + channels), dtype=np.float32) for rng in rngs])
        )
        left = torch.nonzero(best >= 0)[:, 0]
        for query in range(1, effort.queries):
            if len(left) == 0:
                break
            side = round(math.sqrt(share_at(query, effort.queries) * height * width))
            sides = (max(1, min(side, height)), max(1, min(side, width)))
            tried = _with_square(images[left], perturbed[left], tries[left.cpu(), query], sides, epsilon)
            tried = given.ball.project(images[left], tried)
            found = margins(answers(given.model, tried), given.labels[left])
            better = found < best[left]
            perturbed[left[better]], best[left[better]] = tried[better], found[better]
            left = left[best[left] >= 0]
        return perturbed


def _stripes(rngs: list[np.random.Generator], images: Tensor) -> Tensor:
    """Of every column and channel, up or down; N x C x 1 x W."""
    _, channels, _, width = images.shape
    signs = np.stack([rng.integers(0, 2, (channels, 1, width)) for rng in rngs])
    return torch.from_numpy(2.0 * signs - 1.0).to(images)


def _with_square(images: Tensor, perturbed: Tensor, tries: Tensor, sides: tuple[int, int], epsilon: float) -> Tensor:
    """The perturbed images with one square each in which every channel is changed fully up or down."""
    high, wide = sides
    random = tries.to(images)
    spare = torch.tensor([images.shape[2] - high + 1, images.shape[3] - wide + 1], device=images.device)
    corners = torch.minimum((random[:, :2] * spare).long(), spare - 1)
    rows, columns = (torch.arange(size, device=images.device)[None] for size in images.shape[2:])
    across = (rows >= corners[:, :1]) & (rows < corners[:, :1] + high)
    along = (columns >= corners[:, 1:]) & (columns < corners[:, 1:] + wide)
    inside = (across[:, :, None] & along[:, None])[:, None]
    signs = torch.where(random[:, 2:] < 0.5, -1.0, 1.0)[:, :, None, None]
    return torch.where(inside, images + epsilon * signs, perturbed)
