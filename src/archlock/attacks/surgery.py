"""Surgery: attackers who know this defence open what hinders them, keep the weights, and add width.

Every operation that is not a 3x3 convolution gets one beside it that begins at scale zero, and a second tower with new
weights stands beside the first (:mod:`archlock.models.surgery`), so nothing that the model knows is lost and nothing
that its architecture forbids stays forbidden. A step costs two to six times as much as one of fine-tuning,
most where the given cell has no 3x3 convolution.
"""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, training_from
from archlock.models import opened, widened, with_new_head
from archlock.tasks import Task
from archlock.training import batch_of


class Surgery(Attack):
    """Open, widen, new head, then all weights train. For a dense target the model is opened and not widened."""

    name = "surgery"
    summary = "adds convolutions where the architecture has none and a second tower, then trains all weights"
    settings = (0.1, 0.02)

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """The changed model once; fine-tunings from there."""
        images = batch_of(task.train.take([0])).images
        changed = opened(with_new_head(model, task.signature, seed=seed), images, seed=seed)
        if task.kind == "classification":
            changed = widened(changed, task.signature, seed=seed)
        return training_from(changed, task, seed=seed, device=device)
