"""Full fine-tuning: a new head on the given weights, then everything trains (Yosinski et al. 2014)."""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, training_from
from archlock.models import with_new_head
from archlock.tasks import Task


class FineTune(Attack):
    """New head, then all weights train: what a tutorial does, at two usual rates."""

    name = "fine_tune"
    summary = "gives the model a new head and trains all weights"
    settings = (0.1, 0.02)
    naive = True

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Fine-tunings that begin with the same new head."""
        fresh = with_new_head(model, task.signature, seed=seed)
        return training_from(fresh, task, seed=seed, device=device)
