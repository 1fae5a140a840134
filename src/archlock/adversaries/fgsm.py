"""One step along the gradient of the cross entropy, as far as epsilon goes.

Goodfellow, Shlens, Szegedy, "Explaining and harnessing adversarial examples", ICLR 2015, section 4. In ``l2`` it is
the step of length epsilon along the gradient (the fast gradient method). On a linear model of two classes nothing is
stronger. It is the weakest adversary here, and is here because masked gradients make it look strong.
"""

from jaxtyping import Float
from torch import Tensor

from archlock.adversaries.adversary import Adversary, Effort, Given
from archlock.adversaries.losses import climb


class FastGradientSign(Adversary):
    """Fast gradient sign method."""

    name = "fgsm"
    paper = "Goodfellow, Shlens, Szegedy 2015"
    summary = "takes one step along the gradient"
    one_step = True

    def strongest(self, given: Given, effort: Effort) -> Float[Tensor, "n c h w"]:  # noqa: ARG002
        """x + epsilon sign(gradient)."""
        found = climb(given.model, given.images, given.labels, "cross_entropy")
        return given.ball.project(given.images, given.images + given.ball.epsilon * given.ball.steepest(found.gradient))
