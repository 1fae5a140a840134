"""Perturbed images to train on: a few steps along the gradient from a random place near each, for a whole batch.

The inner maximum of adversarial training, Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards deep learning models
resistant to adversarial attacks", ICLR 2018, equation 2.1. Not one of the adversaries that judge a model: it takes no
care of single images and gives up nothing for being beaten early, so that its cost is the same for every batch.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from archlock.adversaries.adversary import in_evaluation
from archlock.adversaries.ball import Ball
from archlock.adversaries.losses import climb
from archlock.adversaries.pgd import REACH


def worst_near(
    model: nn.Module, images: Float[Tensor, "n c h w"], labels: Int64[Tensor, " n"], ball: Ball, steps: int
) -> Float[Tensor, "n c h w"]:
    """Images in the ball around each, after so many steps up the cross entropy of the model.

    The model is looked at in evaluation mode (running statistics, as TRADES does) and left as it was. Where the climb
    begins is drawn from torch's generator of the images' device. With epsilon 0 the images come back as they are.
    """
    if ball.epsilon == 0:
        return images
    size = REACH * ball.epsilon / steps
    if ball.norm == "linf":
        noise = 2 * torch.rand_like(images) - 1
    else:
        noise = ball.steepest(torch.randn_like(images)) * torch.rand(len(images), 1, 1, 1, device=images.device)
    perturbed = ball.project(images, images + ball.epsilon * noise)
    with in_evaluation(model):
        for _ in range(steps):
            gradient = climb(model, perturbed, labels, "cross_entropy").gradient
            perturbed = ball.project(images, perturbed + size * ball.steepest(gradient))
    return perturbed.detach()
