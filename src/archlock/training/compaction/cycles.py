"""HESSO-CRIC: corrective cycles, which try what would be removed before anything is final.

A score is a guess about the network as it is: a unit that looks redundant may be indispensable once others are gone.
So the lowest units fade on trial; those that become lowest meanwhile fade in the next cycle; everything is undone; and
the mean of all scores that were seen decides, with a score that says how much the loss of a network depends on a layer
(Chen et al. 2024, after the successor of the released code). Deviations, each for a reason:

* The trial projections of a layer are forward passes on some fixed batches; the released code takes the loss of
  whatever batch comes next.
* The loss score is divided by its norm like all the others. Added as it is, it orders a network of small loss by
  layers alone, since ratios of losses are then in the tens.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.training.compaction.choosing import Choice, lowest
from archlock.training.compaction.fading import Units
from archlock.training.compaction.gradual import MEMORY
from archlock.training.compaction.saliencies import Scores, saliency_of

PROJECTED: Final = (0.25, 0.5, 0.75)
"""Shares of a layer's units that are zeroed on trial."""
MOST_CYCLES: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Corrected:
    """What the cycles came to."""

    scores: Scores
    cycles: int
    steps: int
    """Of training, all undone."""
    tried: int
    """Units that faded on trial."""


def corrected_scores(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    choice: Choice,
    weighting: Mapping[str, float],
    *,
    gradients: Callable[[], None],
    loss: Callable[[nn.Module], float],
    steps: int,
    most: int = MOST_CYCLES,
) -> Corrected:
    """Scores of every unit after at most so many cycles of so many steps; model and optimiser are left as they were.

    ``gradients()`` puts the gradients of the next batch into the model, ``loss(model)`` is the mean loss of a model on
    fixed batches.
    """
    units = Units(model, choice.structure, choice.groups)
    before = deepcopy(model.state_dict()), deepcopy(optimiser.state_dict())
    sums: dict[str, Tensor] = {}
    stored = 0
    tried = set[tuple[str, int]]()
    trial, cycle = set[tuple[str, int]](), 0
    while cycle < most and (cycle == 0 or trial):
        mean: dict[str, Tensor] = {}
        fresh = set[tuple[str, int]]()
        for step in range(steps):
            gradients()
            for name, value in units.parameters.items():
                if value.grad is not None:
                    kept = mean.setdefault(name, torch.zeros_like(value))
                    kept.mul_(MEMORY).add_(value.grad, alpha=1 - MEMORY)
            scores = saliency_of(units.weights(), units.rows(_unbiased(units, mean, step + 1)), weighting)
            for name, values in scores.items():
                sums[name] = sums.get(name, torch.zeros_like(values)) + values
            stored += 1
            low = _pairs(lowest(choice, scores, {}))
            if cycle == 0 and step == 0:
                trial = low
            if step == 0:
                tried |= trial
                fading = units.places(_by_group(trial))
            optimiser.step()
            fading.scale((steps - step - 1) / (steps - step))
            fresh |= low - tried
        _restore(model, optimiser, before)
        trial, cycle = fresh, cycle + 1
    mean_scores = {name: values / stored for name, values in sums.items()}
    losses = _layer_losses(model, choice, mean_scores, loss)
    scale = float(torch.cat(list(losses.values())).norm()) or 1.0
    final = {name: values + losses[name] / scale for name, values in mean_scores.items()}
    return Corrected(final, cycle, stored, len(tried))


def _layer_losses(model: nn.Module, choice: Choice, scores: Scores, loss: Callable[[nn.Module], float]) -> Scores:
    """Of every unit by how many times its layer's loss grows on trial, by the layer's width; the model is not touched.

    Statistics of batch normalisations are those of the images, as they would become.
    """
    copy = deepcopy(model)
    units = Units(copy, choice.structure, choice.groups)
    before = deepcopy(copy.state_dict())
    first = max(loss(copy), torch.finfo(torch.float32).tiny)
    found = {}
    for group in choice.groups:
        order = scores[group.name].argsort(stable=True).tolist()
        ratios = []
        for share in PROJECTED:
            units.places({group.name: order[: max(1, round(share * group.units))]}).scale(0.0)
            ratios.append(loss(copy) / first)
            copy.load_state_dict(before)
        found[group.name] = torch.full((group.units,), sum(ratios) / len(ratios) / group.units, dtype=torch.float64)
    return found


def _restore(model: nn.Module, optimiser: torch.optim.Optimizer, before: tuple[dict[str, Any], dict[str, Any]]) -> None:
    model.load_state_dict(before[0])
    optimiser.load_state_dict(deepcopy(before[1]))


def _unbiased(units: Units, mean: Mapping[str, Tensor], steps: int) -> dict[str, Tensor]:
    zeros = {name: torch.zeros_like(value) for name, value in units.parameters.items() if name not in mean}
    return {name: value / (1 - MEMORY**steps) for name, value in mean.items()} | zeros


def _pairs(chosen: Mapping[str, list[int]]) -> set[tuple[str, int]]:
    return {(name, unit) for name, found in chosen.items() for unit in found}


def _by_group(pairs: set[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, unit in sorted(pairs):
        found.setdefault(name, []).append(unit)
    return found
