"""Which parts of a model the proxies speak of: weight layers, rectifiers, normalisations."""

from typing import Final

from torch import nn

WEIGHT_LAYERS: Final = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.Linear)
"""Layers whose ``weight`` counts, as in Abdelfattah et al. 2021; biases and normalisation parameters never do."""

RECTIFIERS: Final = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU)
"""Activations with a binary code: on where the output (hence the input) is positive."""

BATCH_NORMS: Final = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)

NORMALISATIONS: Final = (
    *BATCH_NORMS,
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
    *(nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm),
)


def layer_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weight of every weight layer under the layer's name; a shared one appears once."""
    found: dict[str, nn.Parameter] = {}
    seen: set[int] = set()
    for name, module in model.named_modules():
        if isinstance(module, WEIGHT_LAYERS) and isinstance(module.weight, nn.Parameter):
            if id(module.weight) not in seen:
                found[name] = module.weight
            seen.add(id(module.weight))
    return found
