"""Many small steps along the gradient of the cross entropy, each brought back into the ball.

Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards deep learning models resistant to adversarial attacks", ICLR 2018,
equation 2.2; steps of 2.5 epsilon / steps, as their released code recommends. Deviations: the first climb
begins at the image itself, further ones at random places; an image is left as soon as the model is wrong about it.
"""

from functools import partial
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from archlock.adversaries.adversary import Adversary, Effort, Given
from archlock.adversaries.losses import answers, climb
from archlock.adversaries.restarts import Found, until_beaten

REACH: Final = 2.5
"""All steps in one direction would go so many times as far as epsilon."""


class ProjectedGradientDescent(Adversary):
    """Projected gradient descent with restarts."""

    name = "pgd"
    paper = "Madry et al. 2018"
    summary = "takes many small steps along the gradient"

    def strongest(self, given: Given, effort: Effort) -> Float[Tensor, "n c h w"]:
        """As many climbs as it takes, at most ``restarts``."""
        return until_beaten(given, [partial(_climbed, effort.steps, number) for number in range(effort.restarts)])


def _climbed(steps: int, number: int, given: Given) -> Found:
    """One climb; the number says from where."""
    ball, size = given.ball, REACH * given.ball.epsilon / steps
    begun = given.images if number == 0 else ball.sample(given.images, given.rngs("pgd", number))
    perturbed, left = begun.clone(), torch.arange(len(given), device=begun.device)
    for _ in range(steps):
        found = climb(given.model, perturbed[left], given.labels[left], "cross_entropy")
        left = left[~found.wrong]
        if len(left) == 0:
            break
        stepped = perturbed[left] + size * ball.steepest(found.gradient[~found.wrong])
        perturbed[left] = ball.project(given.images[left], stepped)
    wrong = torch.ones(len(given), dtype=torch.bool, device=begun.device)
    if len(left):
        wrong[left] = answers(given.model, perturbed[left]).argmax(1) != given.labels[left]
    return perturbed, wrong
