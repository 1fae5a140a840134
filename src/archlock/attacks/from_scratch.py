"""From scratch: take the architecture alone and train it on the target from new random weights.

This is what recorded benchmark tables measure. It tells what the data are worth without the weights, not what
an attacker gets from the weights.
"""

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.models import reinitialised, with_new_head
from archlock.tasks import Task
from archlock.training import Plan, fit


class FromScratch(Attack):
    """Same architecture, new weights, new head, full training."""

    name = "from_scratch"
    summary = "trains the same architecture on the target from new random weights"
    settings = (0.2, 0.05)
    uses_weights = False

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One training from scratch at that learning rate."""
        fresh = reinitialised(with_new_head(model, task.signature, seed=seed), seed=seed)
        trained = fit(fresh, task, plan.with_rate(setting), seed=seed, device=device)
        return Adapted.by(trained)
