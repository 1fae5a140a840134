"""Full fine-tuning: a new head on the given weights, then everything trains (Yosinski et al. 2014)."""

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.models import with_new_head
from archlock.tasks import Task
from archlock.training import Plan, fit


class FineTune(Attack):
    """New head, then all weights train."""

    name = "fine_tune"
    summary = "gives the model a new head and trains all weights"
    settings = (0.1, 0.02)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One fine-tuning at that learning rate."""
        trained = fit(
            with_new_head(model, task.signature, seed=seed), task, plan.with_rate(setting), seed=seed, device=device
        )
        return Adapted.by(trained)
