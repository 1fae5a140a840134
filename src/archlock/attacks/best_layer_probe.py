"""Best-layer probe: fit a head to the layer inside the model that serves best, and train nothing else."""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.tasks import Task
from archlock.training import STRENGTHS, Plan, at_best_layer, linear_probe


class BestLayerProbe(Attack):
    """The layer is chosen by ridge regressions on the validation split; what comes behind it is dropped."""

    name = "best_layer_probe"
    summary = "fits a head to the features of the layer that serves best, mean or quarters of its maps"
    settings = STRENGTHS
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-4, 1e2)})

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:  # noqa: ARG002
        """One head at that strength."""
        front = at_best_layer(model, task, seed=seed, device=device)
        probed = linear_probe(front, task, strengths=(setting,), seed=seed, device=device)
        return Adapted(probed.model, probed.validation, steps=0, flops=probed.flops)
