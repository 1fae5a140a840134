"""What an adversary makes as large as it can: a loss of each image alone, and its gradient in the image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError

LossName = Literal["cross_entropy", "dlr"]
_SMALL: Final = 1e-12


def margins(logits: Float[Tensor, "n outputs"], labels: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The logit of the label above the largest of the others; below zero the answer is another class."""
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return logits.gather(1, labels[:, None])[:, 0] - others


def cross_entropies(logits: Float[Tensor, "n outputs"], labels: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Of each image."""
    return F.cross_entropy(logits, labels, reduction="none")


def difference_of_logits_ratio(logits: Float[Tensor, "n outputs"], labels: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
    """DLR(x, y) = -(z_y - max_{i != y} z_i) / (z_first - z_third), logits sorted downwards.

    Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks",
    ICML 2020, equation 6. Unlike cross entropy it does not change with the scale of the logits, so that a confident
    network keeps a gradient. Deviation: two classes have no third logit; then the margin alone is taken, negated.
    """
    if logits.shape[1] < 3:
        return -margins(logits, labels)
    sorted_logits = logits.sort(1, descending=True).values
    return -margins(logits, labels) / (sorted_logits[:, 0] - sorted_logits[:, 2] + _SMALL)


LOSSES: Final[dict[LossName, Callable[[Tensor, Tensor], Tensor]]] = {
    "cross_entropy": cross_entropies,
    "dlr": difference_of_logits_ratio,
}


@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """What one look at images with their gradient says."""

    wrong: Bool[Tensor, " n"]
    losses: Float[Tensor, " n"]
    gradient: Float[Tensor, "n c h w"]
    """Zero where there is none, and where it is not finite."""


def climb(model: nn.Module, images: Float[Tensor, "n c h w"], labels: Int64[Tensor, " n"], loss: LossName) -> Climb:
    """Losses at the images, and their gradient.

    Answers without a gradient (detached, or whole numbers) raise UnsupportedError, answers that are not finite
    MeasurementError.
    """
    with torch.enable_grad():
        leaf = images.detach().requires_grad_(True)
        logits = finite(model(leaf))
        losses = LOSSES[loss](logits, labels)
        gradient = torch.autograd.grad(losses.sum(), leaf, allow_unused=True)[0] if logits.requires_grad else None
    if gradient is None:
        raise UnsupportedError(
            f"the answers of {type(model).__name__} have no gradient in its images (they are detached, or made of "
            "whole numbers), so an adversary that follows gradients has nothing to go by; take square, which only "
            "asks for answers"
        )
    return Climb(logits.detach().argmax(1) != labels, losses.detach(), gradient.nan_to_num(0.0, 0.0, 0.0))


@torch.no_grad()
def answers(model: nn.Module, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
    """Logits, checked to be finite."""
    return finite(model(images))


def finite(logits: Tensor) -> Tensor:
    """The logits; MeasurementError where they are not finite, UnsupportedError where they are no rows of logits."""
    if logits.ndim != 2 or logits.shape[1] < 2:
        raise UnsupportedError(
            "robustness is measured of classifiers: expected N x classes logits, of two or more classes; got "
            f"{tuple(logits.shape)}"
        )
    if not torch.isfinite(logits).all():
        raise MeasurementError(
            "the answers of the model are not finite numbers; its training has diverged, or its weights are damaged"
        )
    return logits
