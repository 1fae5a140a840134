"""Last stage only: early features are general, late ones belong to the source (Yosinski et al. 2014)."""

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.models import last_stage, with_new_head
from archlock.tasks import Task
from archlock.training import Plan, fit


class LastStages(Attack):
    """New head, then it and the last stage of the body train; what comes before is frozen, statistics included.

    What the last stage is, says :func:`~archlock.models.last_stage`.
    """

    name = "last_stages"
    summary = "gives the model a new head and trains it with the last stage of the body"
    settings = (0.1, 0.02)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One training of the last stage at that learning rate."""
        fresh = with_new_head(model, task.signature, seed=seed)
        trained = fit(fresh, task, plan.with_rate(setting), trains=last_stage(fresh), seed=seed, device=device)
        return Adapted.by(trained)
