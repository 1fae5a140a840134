"""Ridge probe: keep the body frozen and solve for a new head, in closed form and at any strength.

No descent is involved, so neither ill-conditioned nor few examples hinder it (Hoerl and Kennard 1970).
"""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, probing
from archlock.tasks import Task
from archlock.training import ridge_heads


class RidgeProbe(Attack):
    """Ridge regression of the classes on the standardised features of the last layer.

    On a dense target it is the linear probe, which is a ridge regression there.
    """

    name = "ridge"
    summary = "freezes the body and solves for a new head by ridge regression"
    settings = (0.1, 10.0, 1e3, 1e6, 1e9)
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-3, 1e12)})

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """The features once; heads at any strength on them."""
        return probing(model, task, heads=ridge_heads, seed=seed, device=device)
