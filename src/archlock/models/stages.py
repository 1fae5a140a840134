"""Where the last stage of a model begins, for those who train no more than that."""

import math

from torch import nn

from archlock.models.heads import HEAD
from archlock.models.network import Network


def last_stage(model: nn.Module) -> tuple[str, ...]:
    """Names of the submodules of the last stage, head included; everything else comes before it.

    A network of ours: the last of its cells (blocks) that changes the resolution, as the first block of a stage does in
    a residual network, all cells after it, tail and head. Any other module, and a network of ours that keeps its
    resolution: of the modules that hold weights of their own, in module order and without the head, the last third
    (rounded up) begins the stage, and every module behind belongs to it. The model
    has a head: it is one of ours, or what :func:`~archlock.models.taking_apart.as_classifier` made of another.
    """
    if isinstance(model, Network):
        blocks = list(model.cells.named_children())
        changes = [place for place, (_, block) in enumerate(blocks) if _shrinks(block)]
        if changes:
            return (*(f"cells.{name}" for name, _ in blocks[changes[-1] :]), "tail", HEAD)
    modules = dict(model.named_modules())
    holders = [name for name, module in modules.items() if name != HEAD and list(module.parameters(recurse=False))]
    if not holders:
        return (HEAD,)
    names = list(modules)
    first = names.index(holders[-math.ceil(len(holders) / 3)])
    return tuple(dict.fromkeys([*names[first:], HEAD]))


def _shrinks(block: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) and max(module.stride) > 1 for module in block.modules())
