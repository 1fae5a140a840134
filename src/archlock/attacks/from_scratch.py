"""From scratch: take the architecture alone and train it on the target from new random weights.

This is what recorded benchmark tables measure. It tells what the data are worth without the weights, not what
an attacker gets from the weights.
"""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.setting import Setting
from archlock.attacks.trial import Trial, training_from
from archlock.models import reinitialised, with_new_head
from archlock.tasks import Task


class FromScratch(Attack):
    """Same architecture, new weights, new head, full training."""

    name = "from_scratch"
    summary = "trains the same architecture on the target from new random weights"
    settings = (0.2, 0.05, Setting(3e-3, "adamw"))
    uses_weights = False

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Trainings from the same new weights."""
        fresh = reinitialised(with_new_head(model, task.signature, seed=seed), seed=seed)
        return training_from(fresh, task, seed=seed, device=device)
