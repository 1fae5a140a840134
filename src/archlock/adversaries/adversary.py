"""The contract of an adversary: who changes an image a little so that a trained model is wrong about it.

An adversary is not an attacker. Attackers take a model and repurpose it, by training; an adversary leaves the model as
it is and perturbs what it is given. Chance belongs to the image (a seed each), so that neither the batch nor the order
nor another image changes what becomes of one.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from archlock.adversaries.ball import Ball, Norm
from archlock.adversaries.losses import answers
from archlock.errors import ConfigurationError, UnsupportedError
from archlock.seeding import rng_for


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard an adversary tries. Born valid: whole numbers from 1 on."""

    steps: int = 100
    """Of a climb along gradients."""
    restarts: int = 1
    """Climbs from different beginnings."""
    queries: int = 1000
    """Answers that an adversary without gradients may ask for, for one image."""

    def __post_init__(self) -> None:
        for name in ("steps", "restarts", "queries"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} of an adversary is a whole number, at least 1; got {value!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Images that a model is right about, with what an adversary may do to them. All on the model's device."""

    model: nn.Module
    """In evaluation mode."""
    images: Float[Tensor, "n c h w"]
    labels: Int64[Tensor, " n"]
    ball: Ball
    seeds: tuple[int, ...]
    """One of each image."""

    def __len__(self) -> int:
        return len(self.images)

    def rngs(self, *labels: str | int) -> list[np.random.Generator]:
        """A generator for each image, for the use that the labels name."""
        return [rng_for(seed, *labels) for seed in self.seeds]

    def take(self, places: Tensor) -> "Given":
        """Those images alone."""
        chosen = places.tolist()
        seeds = tuple(self.seeds[place] for place in chosen)
        return Given(self.model, self.images[places], self.labels[places], self.ball, seeds)


class Adversary(ABC):
    """Who perturbs images. A member says how in :meth:`strongest`; what all must keep is in :meth:`perturb`."""

    name: ClassVar[str]
    paper: ClassVar[str]
    summary: ClassVar[str]
    """What it does, in a few words that follow its name."""
    sees_gradients: ClassVar[bool] = True
    """White box; else it only asks for answers."""
    one_step: ClassVar[bool] = False
    norms: ClassVar[tuple[Norm, ...]] = ("linf", "l2")

    @abstractmethod
    def strongest(self, given: Given, effort: Effort) -> Float[Tensor, "n c h w"]:
        """For each image the perturbed one that it was looking for, or the nearest to that it found, in the ball."""

    def perturb(
        self,
        model: nn.Module,
        images: Float[Tensor, "n c h w"],
        labels: Int64[Tensor, " n"],
        ball: Ball,
        effort: Effort | None = None,
        *,
        seeds: Sequence[int],
    ) -> Float[Tensor, "n c h w"]:
        """Perturbed images in [0, 1], within the ball; those that the model is wrong about already are left alone.

        ``model`` gives logits and is on the images' device; it is looked at in evaluation mode and left as it was, as
        are the images. ``seeds`` has one of each image: the same seed, the same perturbed image, whatever is beside
        it (but for rounding). With epsilon 0 the images come back as they are.

        Images outside [0, 1] and numbers that do not match raise ConfigurationError; a norm that the adversary does
        not know, and answers without a gradient where it needs one, UnsupportedError.
        """
        self._check(images, labels, ball, seeds)
        if ball.epsilon == 0 or len(images) == 0:
            return images.clone()
        with in_evaluation(model):
            right = torch.nonzero(answers(model, images).argmax(1) == labels)[:, 0]
            if len(right) == 0:
                return images.clone()
            given = Given(model, images, labels, ball, tuple(seeds)).take(right)
            perturbed = images.clone()
            perturbed[right] = ball.project(given.images, self.strongest(given, effort or Effort()).detach())
        return perturbed

    def _check(self, images: Tensor, labels: Tensor, ball: Ball, seeds: Sequence[int]) -> None:
        if ball.norm not in self.norms:
            raise UnsupportedError(
                f"the adversary {self.name!r} is here in the norm {', '.join(self.norms)} alone; got {ball.norm!r}"
            )
        if not len(images) == len(labels) == len(seeds):
            raise ConfigurationError(
                f"every image has a label and a seed; got {len(images)} images, {len(labels)} labels and {len(seeds)} "
                "seeds"
            )
        if len(images) and not (float(images.min()) >= 0 and float(images.max()) <= 1):
            raise ConfigurationError(
                f"images are in [0, 1]; got values from {float(images.min()):.3g} to {float(images.max()):.3g}. If the "
                "model wants them normalised, put the normalisation into the model"
            )


@contextmanager
def in_evaluation(model: nn.Module) -> Iterator[None]:
    """Every module in evaluation mode inside, and in its own again afterwards."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training
