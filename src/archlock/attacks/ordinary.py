"""Ordinary: leave the model alone and train a network of one's own choice on the target from new random weights.

No lock can prevent it. It is the reference for what data alone are worth: a lock that pushes all other attacks below
this one has taken from attackers all that the model could give them. Where two models are compared, a suite trains
one network for both, of the reference's size.
"""

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.models import count_parameters, ordinary, with_new_head
from archlock.tasks import Task
from archlock.training import Plan, fit


class OrdinaryNetwork(Attack):
    """A residual network of about as many parameters as the model with a new head has, trained on the target."""

    name = "ordinary"
    summary = "ignores the model and trains an ordinary network of its size on the target"
    settings = (0.2, 0.05)
    uses_weights = False
    uses_architecture = False

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One training from new weights at that learning rate."""
        size = count_parameters(with_new_head(model, task.signature, seed=seed))
        network = ordinary(task.signature, parameters=size, seed=seed)
        trained = fit(network, task, plan.with_rate(setting), seed=seed, device=device)
        return Adapted.by(trained)
