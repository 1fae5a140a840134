"""Whitened probe: keep the body frozen, whiten its features by their own covariance, and fit a head on that.

Features can be made ill-conditioned, so that descent hardly learns a head on them (immunisation by condition number,
ICML 2025). Whitening undoes it: what is left of the features is what any invertible mixing of them leaves.
"""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.errors import UnsupportedError
from archlock.tasks import Task
from archlock.training import STRENGTHS, Plan, linear_probe, whitened_heads


class WhitenedProbe(Attack):
    """Covariance shrunk as far as serves on validation, logistic regression, all folded into one linear head."""

    name = "whitened"
    summary = "freezes the body, whitens its features and fits a new head on them"
    settings = STRENGTHS
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-4, 1e2)})

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:  # noqa: ARG002
        """One head at that strength."""
        if task.kind != "classification":
            raise UnsupportedError(f"{task.name!r} is a {task.kind} task; attack {self.name!r} needs classes")
        probed = linear_probe(model, task, strengths=(setting,), heads=whitened_heads, seed=seed, device=device)
        return Adapted(probed.model, probed.validation, steps=0, flops=probed.flops)
