"""Cut at: keep the model up to the layer that serves best, drop the rest, and fine-tune what is left.

Late layers are the most specialised ones (Yosinski et al. 2014), so attackers need not keep them.
"""

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.setting import Setting
from archlock.attacks.trial import Trial, training_from_head
from archlock.tasks import OF_IMAGES, Task
from archlock.training import at_best_layer, linear_probe


class CutAt(Attack):
    """Best layer, fitted head, then all weights train; the better of fitted head and fine-tuned model counts."""

    name = "cut_at"
    summary = "drops what lies behind the layer that serves best, fits a head there, then trains all weights"
    kinds = OF_IMAGES
    settings = (0.2, 0.05, Setting(1e-3, "adamw"))

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """One cut and one probe; fine-tunings from there."""
        front = at_best_layer(model, task, seed=seed, device=device)
        probed = linear_probe(front, task, seed=seed, device=device)
        return training_from_head(probed, task, seed=seed, device=device)
