"""Linear probe: keep the body frozen and fit a new head on its features (Alain and Bengio 2017)."""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.tasks import Task
from archlock.training import STRENGTHS, Plan, linear_probe


class LinearProbe(Attack):
    """New head on frozen features; the plan is not used, since the head is fitted by L-BFGS or in closed form."""

    name = "linear_probe"
    summary = "freezes the body and fits a new head on its features"
    settings = STRENGTHS
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-4, 1e2)})

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:  # noqa: ARG002
        """One head at that strength."""
        probed = linear_probe(model, task, strengths=(setting,), seed=seed, device=device)
        return Adapted(probed.model, probed.validation, steps=0, flops=probed.flops)
