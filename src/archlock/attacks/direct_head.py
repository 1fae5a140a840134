"""Direct, head only: keep the old head where it serves, and train nothing but it (FTLL of Adi et al. 2018)."""

from torch import nn

from archlock.attacks.attack import Adapted, Attack
from archlock.models import HEAD, with_kept_head
from archlock.tasks import Task
from archlock.training import Plan, fit


class DirectHead(Attack):
    """Old head, then it alone trains by gradient descent. Unsupported is what ``direct`` cannot do."""

    name = "direct_head"
    summary = "keeps the old head where it serves and trains the head alone"
    settings = (0.5, 0.1)

    def adapt(self, model: nn.Module, task: Task, *, setting: float, plan: Plan, seed: int, device: str) -> Adapted:
        """One training of the head at that learning rate."""
        begun = with_kept_head(model, task.signature, seed=seed)
        trained = fit(begun, task, plan.with_rate(setting), trains=(HEAD,), seed=seed, device=device)
        return Adapted.by(trained)
