"""Linear probe: keep the body frozen and fit a new head on its features (Alain and Bengio 2017)."""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, probing
from archlock.tasks import Task
from archlock.training import STRENGTHS


class LinearProbe(Attack):
    """New head on frozen features; the plan is not used, since the head is fitted by L-BFGS or in closed form."""

    name = "linear_probe"
    summary = "freezes the body and fits a new head on its features"
    settings = STRENGTHS
    naive = True
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-4, 1e2)})

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """The features once; heads at any strength on them."""
        return probing(model, task, seed=seed, device=device)
