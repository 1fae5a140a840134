"""Direct, head only: keep the old head where it serves, and train nothing but it (FTLL of Adi et al. 2018)."""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, training_from
from archlock.models import HEAD, with_kept_head
from archlock.tasks import WITH_CLASSES, Task


class DirectHead(Attack):
    """Old head, then it alone trains by gradient descent. Unsupported is what ``direct`` cannot do."""

    name = "direct_head"
    summary = "keeps the old head where it serves and trains the head alone"
    kinds = WITH_CLASSES
    settings = (0.5, 0.1)

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Trainings of the head alone."""
        begun = with_kept_head(model, task.signature, seed=seed)
        return training_from(begun, task, trains=(HEAD,), seed=seed, device=device)
