"""Best-layer probe: fit a head to the layer inside the model that serves best, and train nothing else."""

from types import MappingProxyType

from torch import nn

from archlock.attacks.attack import Attack
from archlock.attacks.trial import Trial, probing
from archlock.tasks import OF_IMAGES, Task
from archlock.training import STRENGTHS, at_best_layer


class BestLayerProbe(Attack):
    """The layer is chosen by ridge regressions on the validation split; what comes behind it is dropped."""

    name = "best_layer_probe"
    summary = "fits a head to the features of the layer that serves best, mean or quarters of its maps"
    kinds = OF_IMAGES
    settings = STRENGTHS
    tuned = "strength"
    ranges = MappingProxyType({"sgd": (1e-4, 1e2)})

    def prepare(self, model: nn.Module, task: Task, *, seed: int, device: str) -> Trial:
        """One look at all layers; heads at any strength on the features of the best."""
        front = at_best_layer(model, task, seed=seed, device=device)
        return probing(front, task, seed=seed, device=device)
