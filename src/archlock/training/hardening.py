"""What a stage of hardening does beside gradient descent, checked at birth, and what comes of it (``harden``)."""

import math
from dataclasses import dataclass

from torch import nn

from archlock.adversaries import Ball
from archlock.errors import ConfigurationError
from archlock.tasks import Task


@dataclass(frozen=True, slots=True)
class Hardening:
    """What a stage does beside gradient descent. Born valid (else ConfigurationError)."""

    ball: Ball
    """What the adversary may do; epsilon 0: there is none."""
    steps: int = 3
    """Of the adversary's climb."""
    sparsity: float = 0.0
    """Share of the weights of convolutions and linear layers that are zero in the end; below 1."""
    pruned_by: float = 0.6
    """Share of the steps after which that sparsity is reached and the masks are fixed."""
    condition: float = 0.0
    """Weight of the condition-number constraint, mean over layers."""
    shape: float = 0.0
    """Weight of the sparse constraint, mean over layers."""

    def __post_init__(self) -> None:
        check_sparsity(self.sparsity)
        for name in ("condition", "shape"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigurationError(f"the weight of the {name} term is a finite number from 0 on; got {value!r}")
        if self.steps < 1 or not 0 < self.pruned_by < 1:
            raise ConfigurationError(
                f"a hardening takes at least 1 step and prunes by a share in (0, 1); got {self.steps}, {self.pruned_by}"
            )


def check_sparsity(sparsity: object) -> None:
    """ConfigurationError for what is no share of weights that may go."""
    meant = ""
    if isinstance(sparsity, int | float) and not isinstance(sparsity, bool):
        if 0 <= sparsity < 1:
            return
        meant = f"; for {sparsity:g} % write {sparsity / 100:g}" if 2 < sparsity < 100 else ""
    raise ConfigurationError(
        "sparsity is the share of weights that become zero, from 0 (dense) to below 1 (nothing would be left); got "
        f"{sparsity!r}{meant}"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Immunising:
    """The terms of ``immunisation``: own features well-conditioned, those of the target's images ill-conditioned."""

    target: Task
    """With images as the model takes them."""
    own: float = 0.3
    """Weight of the log condition number of the own features, which is to fall."""
    other: float = 0.3
    """Weight of that of the target's features, which is to rise."""


@dataclass(frozen=True, slots=True, eq=False)
class Hardened:
    """A hardened model, in evaluation mode, with how it went."""

    model: nn.Module
    robust: tuple[float, ...]
    """Robust validation accuracy after each epoch that could be chosen; the best of them is the model's."""
    epoch: int
    """Which epoch was chosen, from 1."""
    clean: float
    """Validation accuracy of the model on images as they are."""
    losses: tuple[float, ...]
    """Mean training loss of each epoch, with its terms."""
    seconds: float
