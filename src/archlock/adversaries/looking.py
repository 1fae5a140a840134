"""What must be known of a model before anybody says how robust it is: whether the figures would mean anything.

A model that wants its images normalised, answers at random or lets its images change each other gives figures that mean
nothing. One whose gradients are silent gives figures that flatter.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from archlock.adversaries.adversary import Effort, in_evaluation
from archlock.adversaries.ball import LEVELS, Ball
from archlock.adversaries.beating import wrong_about
from archlock.adversaries.losses import answers, climb
from archlock.adversaries.pgd import ProjectedGradientDescent
from archlock.errors import UnsupportedError

CLEARLY: Final = 0.1
"""Share of images that a normalisation must turn right before it is taken for the one that is missing."""
SURELY: Final = 3.0
"""And so many standard deviations of chance."""
HUGE: Final = 0.5
"""An epsilon (L infinity) within which every image may become the same grey."""
IMAGENET: Final = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HUGE_EFFORT: Final = Effort(steps=20, restarts=1)
_ROUNDING: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Look:
    """What a first look at a model says."""

    silent: float
    """Share of the images that it is right about where cross entropy has no gradient at all; 1 where nothing has."""
    left_at_huge: float | None
    """Share of them that it is still right about after PGD within an epsilon of 0.5; None without a gradient."""
    possible_at_huge: float
    """Share of them that can be right there: all images may become grey, and grey is of one class."""
    looked_at: int
    """Images that it is right about, of those that were looked at."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""

    @property
    def has_gradient(self) -> bool:
        """Whether an adversary can follow gradients; where nothing was looked at, nothing speaks against it."""
        return self.left_at_huge is not None or self.looked_at == 0


def look_at(model: nn.Module, images: Float[Tensor, "n c h w"], labels: Int64[Tensor, " n"], *, seed: int = 0) -> Look:
    """Look at a model with labelled images in [0, 1]; it is left as it was.

    A model that normalises outside, or whose images change each other's answers, raises UnsupportedError.
    """
    with in_evaluation(model):
        logits = answers(model, images)
        _check_alone(model, images, logits)
        _check_normalised(model, images, labels)
        notes = [*_probabilities(logits), *_randomness(model, images, logits)]
        right = torch.nonzero(logits.argmax(1) == labels)[:, 0]
        images, labels = images[right], labels[right]
        if len(right) == 0:
            return Look(0.0, None, 0.0, 0, (*notes, "the model is right about none of the images that were looked at"))
        grey = answers(model, torch.full_like(images[:1], 0.5)).argmax(1)
        possible = float((labels == grey).float().mean())
        try:
            gradient = climb(model, images, labels, "cross_entropy").gradient
        except UnsupportedError as error:
            return Look(1.0, None, possible, len(right), (*notes, str(error)))
        silent = float((gradient.flatten(1).abs().amax(1) == 0).float().mean())
        seeds = tuple(range(seed, seed + len(right)))
        perturbed = ProjectedGradientDescent().perturb(model, images, labels, Ball(HUGE), _HUGE_EFFORT, seeds=seeds)
        left = 1.0 - float(wrong_about(model, perturbed, labels).mean())
    return Look(silent, left, possible, len(right), tuple(notes))


def _check_alone(model: nn.Module, images: Tensor, logits: Tensor) -> None:
    """An image must get the same answer whatever is beside it in the batch."""
    few = min(2, len(images))
    alone = torch.cat([answers(model, images[place : place + 1]) for place in range(few)])
    scale = float(logits.abs().amax()) or 1.0
    again = answers(model, images)
    random = float((again - logits).abs().amax())
    apart = float((alone - logits[:few]).abs().amax())
    if apart > max(_ROUNDING * scale, 3 * random):
        raise UnsupportedError(
            f"{type(model).__name__} answers otherwise when an image is alone in its batch (by {apart:.2g} of "
            f"{scale:.2g}), so no image can be perturbed by itself; it normalises by the batch, as BatchNorm does in "
            "training mode: let it use running statistics"
        )


def _randomness(model: nn.Module, images: Tensor, logits: Tensor) -> list[str]:
    apart = float((answers(model, images) - logits).abs().amax())
    if apart <= _ROUNDING * (float(logits.abs().amax()) or 1.0):
        return []
    return [
        f"the model answers otherwise when it is asked again (by {apart:.2g}), although it is in evaluation mode: "
        "gradients of chance mislead every adversary here, so it is less robust than it looks"
    ]


def _probabilities(logits: Tensor) -> list[str]:
    sums = logits.sum(1)
    if float(logits.min()) >= 0 and float((sums - 1).abs().max()) < _ROUNDING:
        return [
            "the model gives probabilities and no logits: where they are rounded to 0 and 1 their gradient is lost, so "
            "it may look more robust than it is; leave the softmax out"
        ]
    return []


def _check_normalised(model: nn.Module, images: Tensor, labels: Tensor) -> None:
    """UnsupportedError where the model is much better on images that are normalised outside of it."""
    plain = ~wrong_about(model, images, labels)
    for words, shift, scale in _normalisations(images):
        try:
            better = ~wrong_about(model, (images - shift) / scale, labels)
        except (RuntimeError, IndexError, ValueError):  # a stranger's module may look images up as whole numbers
            continue
        gained, lost = int((better & ~plain).sum()), int((plain & ~better).sum())
        share = (gained - lost) / len(plain)
        if share >= CLEARLY and gained - lost > SURELY * float(np.sqrt(gained + lost)):
            raise UnsupportedError(
                f"{type(model).__name__} is right about {plain.mean():.0%} of the images in [0, 1] and about "
                f"{better.mean():.0%} of them {words}, so it expects images that are normalised outside of it, and an "
                "epsilon would mean nothing; put the normalisation into the model, as its first layer"
            )


def _normalisations(images: Tensor) -> list[tuple[str, Tensor, Tensor]]:
    """What people do to images before a model: words, what is taken away, what is divided by."""
    channels = images.shape[1]

    def by_channel(values: tuple[float, ...]) -> Tensor:
        return torch.tensor(values).to(images)[None, :, None, None]

    own = images.transpose(0, 1).flatten(1)
    found = [
        ("after (x - 0.5) / 0.5", by_channel((0.5,)), by_channel((0.5,))),
        (
            "by their own mean and deviation",
            own.mean(1)[None, :, None, None],
            own.std(1).clamp(min=1e-3)[None, :, None, None],
        ),
        (f"as grey levels from 0 to {LEVELS}", by_channel((0.0,)), by_channel((1 / LEVELS,))),
    ]
    if channels == 3:
        found.insert(0, ("by ImageNet's mean and deviation", by_channel(IMAGENET[0]), by_channel(IMAGENET[1])))
    return found
