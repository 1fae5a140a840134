"""Cut at: keep the model up to the layer that serves best, drop the rest, and fine-tune what is left.

Late layers are the most specialised ones (Yosinski et al. 2014), so attackers need not keep them.
"""

from dataclasses import replace

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.tasks import Task
from archlock.training import Plan, at_best_layer, fit, linear_probe


class CutAt(Attack):
    """Best layer, fitted head, then all weights train; the better of fitted head and fine-tuned model counts."""

    name = "cut_at"
    summary = "drops what lies behind the layer that serves best, fits a head there, then trains all weights"
    settings = (0.2, 0.05)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One cut, one probe and one fine-tuning at that learning rate."""
        front = at_best_layer(model, task, seed=seed, device=device)
        probed = linear_probe(front, task, seed=seed, device=device)
        trained = fit(probed.model, task, replace(plan.with_rate(setting), clip=1.0), seed=seed, device=device)
        return Adapted.better_of(probed, trained)
