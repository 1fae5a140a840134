"""LP-FT (Kumar et al. 2022): fit the head first, then fine-tune everything, so a random head spoils no features."""

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.tasks import Task
from archlock.training import Plan, fit, linear_probe


class LinearProbeThenFineTune(Attack):
    """Linear probe, then all weights train from there; the better of the two models counts for the attacker.

    So does its cost: that of the head alone where it was the better one.
    """

    name = "lp_ft"
    summary = "fits a new head first, then trains all weights"
    settings = (0.05, 0.01)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One probe and one fine-tuning at that learning rate."""
        probed = linear_probe(model, task, seed=seed, device=device)
        trained = fit(probed.model, task, plan.with_rate(setting), seed=seed, device=device)
        return Adapted.better_of(probed, trained)
