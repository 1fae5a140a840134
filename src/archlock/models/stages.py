"""Where the last stage of a model begins, for those who train no more than that."""

import math

from torch import nn

from archlock.models.heads import head_name
from archlock.models.network import Network


def last_stage(model: nn.Module) -> tuple[str, ...]:
    """Names of the submodules of the last stage, head included; everything else comes before it.

    A network of ours: the last of its cells (blocks) that changes the resolution, as the first block of a stage does in
    a residual network, all cells after it, tail and head. Any other module, and a network of ours that keeps its
    resolution: of the modules that hold weights of their own, in module order and without the head, the last third
    (rounded up) begins the stage, and every module behind belongs to it. A model without a head raises
    :class:`~archlock.errors.UnsupportedError`.
    """
    head = head_name(model)
    if isinstance(model, Network):
        blocks = list(model.cells.named_children())
        changes = [place for place, (_, block) in enumerate(blocks) if _shrinks(block)]
        if changes:
            return (*(f"cells.{name}" for name, _ in blocks[changes[-1] :]), "tail", head)
    modules = dict(model.named_modules())
    holders = [name for name, module in modules.items() if name != head and list(module.parameters(recurse=False))]
    if not holders:
        return (head,)
    names = list(modules)
    first = names.index(holders[-math.ceil(len(holders) / 3)])
    return tuple(dict.fromkeys([*names[first:], head]))


def _shrinks(block: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) and max(module.stride) > 1 for module in block.modules())
