"""What an adversary may do to an image: everything within a distance epsilon of it, as long as it stays an image.

Images are in [0, 1], and so epsilon is a share of that range, never a number of grey levels. Two norms: ``linf`` (no
value changes by more than epsilon) and ``l2`` (the root of the sum of all squared changes is at most epsilon).
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from archlock.errors import ConfigurationError

Norm = Literal["linf", "l2"]
NORMS: Final[tuple[Norm, ...]] = get_args(Norm)
LEVELS: Final = 255
"""Grey levels of a byte, in which an epsilon is often said."""
_TINY: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Ball:
    """All images within ``epsilon`` of one, in a norm.

    Born valid: a finite epsilon from 0 on, in ``linf`` at most 1 (else ConfigurationError).
    """

    epsilon: float
    norm: Norm = "linf"

    def __post_init__(self) -> None:
        if self.norm not in NORMS:
            raise ConfigurationError(f"unknown norm {self.norm!r}; known: {', '.join(NORMS)}")
        check_epsilon(self.epsilon, self.norm)

    def project(
        self, images: Float[Tensor, "n c h w"], perturbed: Float[Tensor, "n c h w"]
    ) -> Float[Tensor, "n c h w"]:
        """The perturbed images, brought back into the ball around the images, and into [0, 1]; exact to rounding.

        In ``l2`` the ball comes first and the box after it: that stays in the ball, for the image is in the box.
        """
        change = perturbed - images
        if self.norm == "linf":
            change = change.clamp(-self.epsilon, self.epsilon)
        else:
            change = change * (self.epsilon / _lengths(change).clamp(min=_TINY)).clamp(max=1.0)
        return (images + change).clamp(0.0, 1.0)

    def steepest(self, gradient: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """The step of length one along which the loss rises most: the sign, or the gradient over its length.

        Where the gradient is zero there is no such step, and the answer is zero.
        """
        if self.norm == "linf":
            return gradient.sign()
        largest = gradient.abs().amax((1, 2, 3), keepdim=True)
        scaled = gradient / largest.clamp(min=torch.finfo(gradient.dtype).tiny)  # (squares of tiny numbers are zero)
        return scaled / _lengths(scaled).clamp(min=_TINY)

    def sample(self, images: Float[Tensor, "n c h w"], rngs: list[np.random.Generator]) -> Float[Tensor, "n c h w"]:
        """A random image in the ball around each, by its own generator: uniform (``linf``), or on its surface."""
        shape = tuple(images.shape[1:])
        if self.norm == "linf":
            noise = np.stack([rng.uniform(-1.0, 1.0, shape) for rng in rngs])
        else:
            noise = np.stack([rng.standard_normal(shape) for rng in rngs])
            noise /= np.sqrt((noise**2).sum((1, 2, 3), keepdims=True))
        random = torch.from_numpy(noise).to(images)
        return self.project(images, images + self.epsilon * random)


def check_epsilon(epsilon: object, norm: Norm = "linf", shape: tuple[int, ...] | None = None) -> None:
    """ConfigurationError for what is no epsilon, with a hint where it was meant in grey levels.

    With the shape of an image also for one within which every image becomes every other (L2).
    """
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or math.isnan(epsilon):
        raise ConfigurationError(
            f"epsilon is a number, a share of the range [0, 1] of images, as in 8/255; got {epsilon!r}"
        )
    if epsilon < 0 or epsilon == math.inf:
        raise ConfigurationError(f"epsilon is a finite number from 0 on, as in 8/255; got {epsilon:g}")
    if norm == "linf" and epsilon > 1:
        meant = f"; in grey levels of 0 to {LEVELS} write {epsilon:g}/{LEVELS}" if epsilon <= LEVELS else ""
        raise ConfigurationError(
            f"epsilon is a share of the range [0, 1] of images, so at most 1, as in 8/{LEVELS}; got {epsilon:g}{meant}"
        )

    widest = math.inf if shape is None else math.sqrt(math.prod(shape))
    if norm == "l2" and epsilon >= widest:
        raise ConfigurationError(
            f"within an L2 epsilon of {epsilon:g} every image of {' x '.join(map(str, shape or ()))} numbers in [0, 1] "
            f"becomes every other (they are at most {widest:.3g} apart), so nothing would be measured; give a smaller "
            f"one{f', such as {epsilon / LEVELS:.2g} if grey levels were meant' if epsilon > 1 else ''}"
        )


def _lengths(change: Tensor) -> Tensor:
    """Of each image, N x 1 x 1 x 1."""
    lengths: Tensor = torch.linalg.vector_norm(change.flatten(1), dim=1)
    return lengths[:, None, None, None]
