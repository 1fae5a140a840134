"""The model with its normalisations folded, what of it can be disguised, and the model in a disguise, tried."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError, RunError, UnsupportedError
from archlock.models import Disguise, Fold, Headed, convolutions_of, fold, given_hooked, restructured
from archlock.tasks import Task
from archlock.training import batch_of

IMAGES: Final = 64
TRIED_ON: Final = 4
EXACT: Final = 1e-5
"""Of the largest answer, by which the hidden model may differ."""


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A model whose normalisations are folded, in evaluation mode; the original stays as it was."""

    model: Headed
    folds: tuple[Fold, ...]
    names: tuple[str, ...]
    """Convolutions that can be disguised."""


def images_for(task: Task | None, shape: tuple[int, int, int], *, seed: int) -> tuple[Tensor, str]:
    """So many images as answers are compared on, and where they come from, in words."""
    if task is None:
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(IMAGES, *shape, generator=generator), "random numbers in [0, 1], since no data were given"
    count = min(IMAGES, len(task.test))
    return batch_of(task.test.take(range(count))).images, f"the test images of {task.name}"


def folded(model: Headed, images: Tensor, name: str) -> Folded:
    """A copy, folded. A model without a convolution that can be disguised raises UnsupportedError."""
    copy = deepcopy(model).eval()
    with torch.no_grad():
        folds = tuple(Fold(layer, norm) for layer, norm in fold(copy, images[:TRIED_ON]))
        names = _that_work(copy, images[:TRIED_ON])
    if not names:
        found = sum(isinstance(part, nn.Conv2d) for part in model.modules())
        there = f"all of its {found} convolutions are heads, subclasses, hooked, or looked into by their owners"
        raise UnsupportedError(
            f"nothing of {name} can be hidden: {there if found else 'it has no convolutions'}, and nothing else is "
            "done in another way; what it betrays, archlock peep says"
        )
    return Folded(copy, folds, names)


def hidden(given: Folded, plan: Sequence[Disguise]) -> nn.Module:
    """A copy in a disguise, in evaluation mode."""
    return restructured(deepcopy(given.model), plan).eval()


def apart(model: nn.Module, other: nn.Module, images: Tensor) -> float:
    """Largest difference of answers as a share of the largest answer; MeasurementError where these are not finite."""
    with torch.no_grad():
        wanted, got = model(images), other(images)
    if not torch.isfinite(wanted).all():
        raise MeasurementError("the answers of the model are not finite numbers; its training has diverged")
    return float((got - wanted).abs().max() / wanted.abs().max().clamp(min=1e-6))


def check_same(model: nn.Module, other: nn.Module, images: Tensor) -> float:
    """The difference; above ``EXACT`` MeasurementError, and nothing is written."""
    found = apart(model, other, images)
    if not found <= EXACT:
        raise MeasurementError(
            f"the hidden model answers otherwise than the given one, by {found:.2g} of the largest answer (at most "
            f"{EXACT:g} is taken for rounding), so it is not written; a model that takes differences of large numbers, "
            "where rounding shows, cannot be hidden in float32"
        )
    return found


def _that_work(model: Headed, few: Tensor) -> tuple[str, ...]:
    """Convolutions that are called as modules and whose place may hold another module, in the order of their use."""
    called: dict[str, None] = {}

    def seeing(name: str) -> Any:
        return lambda _: called.setdefault(name)

    given_hooked(model, few, {name: seeing(name) for name in convolutions_of(model)})
    names = tuple(called)
    return names if _stands(model, names, few) else tuple(name for name in names if _stands(model, (name,), few))


def _stands(model: Headed, names: Sequence[str], few: Tensor) -> bool:
    """Whether these convolutions can be replaced by modules that do the same."""
    try:
        made = restructured(deepcopy(model), [Disguise(name, ()) for name in names])
        return torch.equal(made(few), model(few))
    except (RunError, AttributeError, TypeError, RuntimeError):  # (code of a stranger's that looks into its layers)
        return False
