"""LP-FT (Kumar et al. 2022): fit the head first, then fine-tune everything, so a random head spoils no features."""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.setting import Setting
from archlock.attacks.trial import Trial, training_from_head
from archlock.tasks import Task
from archlock.training import linear_probe


class LinearProbeThenFineTune(Attack):
    """Linear probe, then all weights train from there; the better of the two models counts for the attacker."""

    name = "lp_ft"
    summary = "fits a new head first, then trains all weights"
    settings = (0.2, 0.05, Setting(1e-3, "adamw"))

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """One probe; fine-tunings from there."""
        probed = linear_probe(model, task, seed=seed, device=device)
        return training_from_head(probed, task, seed=seed, device=device)
