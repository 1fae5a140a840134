"""How much of what a model does on its source hangs on each group and block: numbers that order them, no promise.

A block: 1 - mean cosine between what goes in and what comes out, over images and places (block influence, ShortGPT,
Men et al. 2024, there over tokens). A group: by how much the loss would change to first order if one unit were zero,
abs(sum of weight x gradient) over the parameters that would be zero (Molchanov et al. 2019, there by weights squared),
from the gradient of the mean loss over all images; the mean over its units.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.models import Group, Structure, parts_of
from archlock.tasks import Split
from archlock.training import batches, loss_of

BATCH: Final = 50


def influences_of(model: nn.Module, structure: Structure, images: Split) -> dict[str, float]:
    """Influence of every group and block by ``group NAME`` and ``block NAME``; the model is left as it was.

    Frozen parameters get a gradient here, too. A loss that is no number raises MeasurementError.
    """
    copy = deepcopy(model).eval().float().requires_grad_(True)
    alike: dict[str, list[Tensor]] = {}
    handles = [
        copy.get_submodule(block.name).register_forward_hook(_looking(alike.setdefault(block.name, [])))
        for block in structure.blocks
    ]
    try:
        for batch in batches(images, BATCH):
            loss = loss_of(copy(batch.images), batch.targets)
            if not torch.isfinite(loss):
                raise MeasurementError("the loss of the model on its source is no finite number")
            (loss * len(batch) / len(images)).backward()  # type: ignore[no-untyped-call]
    finally:
        for handle in handles:
            handle.remove()
    products = {
        name: (value * value.grad).detach() for name, value in copy.named_parameters() if value.grad is not None
    }
    found = {f"group {group.name}": _mean_change(structure, group, products) for group in structure.groups}
    for name, cosines in alike.items():
        found[f"block {name}"] = 1 - float(torch.cat(cosines).mean())
    return found


def _looking(cosines: list[Tensor]) -> Any:
    def look(_: nn.Module, given: Sequence[Any], answer: Any) -> None:
        before, after = given[0].detach(), (answer[0] if isinstance(answer, tuple) else answer).detach()
        channels = 1 if before.ndim == 4 else -1
        cosines.append(F.cosine_similarity(before, after, dim=channels).flatten(1).mean(1))

    return look


def _mean_change(structure: Structure, group: Group, products: dict[str, Tensor]) -> float:
    changes = [rows.sum(1) for rows in parts_of(structure, group, products)]
    return float(torch.stack(changes).sum(0).abs().mean()) if changes else 0.0  # (nothing of it reaches the answer)
