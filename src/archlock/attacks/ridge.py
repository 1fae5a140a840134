"""Ridge probe: keep the body frozen and solve for a new head, in closed form and at any strength.

No descent is involved, so neither ill-conditioned nor few examples hinder it (Hoerl and Kennard 1970).
"""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.tasks import Task
from archlock.training import Plan, linear_probe, ridge_heads


class RidgeProbe(Attack):
    """Ridge regression of the classes on the standardised features of the last layer.

    On a dense target it is the linear probe, which is a ridge regression there.
    """

    name = "ridge"
    summary = "freezes the body and solves for a new head by ridge regression"
    settings = (0.1, 10.0, 1e3, 1e6, 1e9)
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-3, 1e12)})

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:  # noqa: ARG002
        """One head at that strength."""
        probed = linear_probe(model, task, strengths=(setting,), heads=ridge_heads, seed=seed, device=device)
        return Adapted(probed.model, probed.validation, steps=0, flops=probed.flops)
