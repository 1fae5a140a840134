"""Direct: keep the old head where it serves, and train everything on (FTAL of Adi et al. 2018, "all layers").

The paper's tasks share their label space; where they do not, class i of the target takes over the row of class i of the
source, and classes beyond get new rows. A head that knows other classes is a bad start that an attacker has for free.
"""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, training_from
from archlock.models import with_kept_head
from archlock.tasks import WITH_CLASSES, Task


class Direct(Attack):
    """Old head, then all weights train. A dense target, or a head that is no ``nn.Linear``, is unsupported."""

    name = "direct"
    summary = "keeps the old head where it serves and trains all weights"
    kinds = WITH_CLASSES
    settings = (0.1, 0.02)

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """Trainings of everything from the kept head."""
        begun = with_kept_head(model, task.signature, seed=seed)
        return training_from(begun, task, seed=seed, device=device)
