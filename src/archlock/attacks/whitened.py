"""Whitened probe: keep the body frozen, whiten its features by their own covariance, and fit a head on that.

Features can be made ill-conditioned, so that descent hardly learns a head on them (immunisation by condition number,
ICML 2025). Whitening undoes it: what is left of the features is what any invertible mixing of them leaves.
"""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, probing
from archlock.tasks import WITH_CLASSES, Task, check_classes
from archlock.training import STRENGTHS, whitened_heads


class WhitenedProbe(Attack):
    """Covariance shrunk as far as serves on validation, logistic regression, all folded into one linear head."""

    name = "whitened"
    summary = "freezes the body, whitens its features and fits a new head on them"
    kinds = WITH_CLASSES
    settings = STRENGTHS
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-4, 1e2)})

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """The features once; heads at any strength on them."""
        check_classes(task, f"attack {self.name!r} needs classes")
        return probing(model, task, heads=whitened_heads, seed=seed, device=device)
