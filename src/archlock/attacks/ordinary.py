"""Ordinary: leave the model alone and train a network of one's own choice on the target from new random weights.

No lock can prevent it. It is the reference for what data alone are worth: a lock that pushes all other attacks below
this one has taken from attackers all that the model could give them. Where two models are compared, a suite trains
one network for both, of the reference's size.
"""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.setting import Setting
from archlock.attacks.trial import Trial, training_from
from archlock.models import count_parameters, ordinary, with_new_head
from archlock.tasks import Task


class OrdinaryNetwork(Attack):
    """A residual network of about as many parameters as the model with a new head has, trained on the target."""

    name = "ordinary"
    version = "2"
    summary = "ignores the model and trains an ordinary network of its size on the target"
    settings = (0.2, 0.05, Setting(3e-3, "adamw"))
    uses_weights = False
    uses_architecture = False

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Trainings from the same new weights."""
        size = count_parameters(with_new_head(model, task.signature, seed=seed))
        network = ordinary(task.signature, parameters=size, seed=seed)
        return training_from(network, task, seed=seed, device=device)
