"""Last stage only: early features are general, late ones belong to the source (Yosinski et al. 2014)."""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, training_from
from archlock.models import last_stage, with_new_head
from archlock.tasks import Task


class LastStages(Attack):
    """New head, then it and the last stage of the body train; what comes before is frozen, statistics included.

    What the last stage is, says :func:`~archlock.models.last_stage`.
    """

    name = "last_stages"
    summary = "gives the model a new head and trains it with the last stage of the body"
    settings = (0.1, 0.02)

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Trainings of the last stage and a new head."""
        fresh = with_new_head(model, task.signature, seed=seed)
        return training_from(fresh, task, trains=last_stage(fresh), seed=seed, device=device)
