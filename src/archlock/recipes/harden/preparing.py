"""What is hardened and with what; everything that can be refused before anything is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import nn

from archlock.adversaries import SILENT, Look, check_epsilon, look_at
from archlock.errors import UnsupportedError
from archlock.models import TAPPED, Headed
from archlock.recipes.before_after import in_common_notes, targets_of
from archlock.recipes.edited import check_shape
from archlock.recipes.edited_base import Base, base_of
from archlock.recipes.given import check_built_anew, open_given
from archlock.recipes.harden.config import HardenConfig
from archlock.recipes.opening import OpenedModel
from archlock.recipes.own_task import check_several_classes, fitting_own, mode_notes, source_of
from archlock.tasks import Task
from archlock.training import batch_of, check_possible, prunable

LOOKED_AT: Final = 100
"""Validation images of the first look."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What is hardened, and with what."""

    opened: OpenedModel
    task: Task
    base: Base
    targets: tuple[Task, ...]
    immunise: Task | None
    config: HardenConfig
    notes: tuple[str, ...]


def prepared(
    model: str | Path | nn.Module | OpenedModel,
    source: Task | str | Path | None,
    targets: Sequence[Task | str | Path],
    immunise: Task | str | Path | None,
    config: HardenConfig,
    factory: str | None,
    arguments: Mapping[str, Any],
) -> Prepared:
    """Everything that can be said before anything is trained."""
    opened = open_given(model, factory=factory, arguments=arguments)
    opened, task = fitting_own(opened, source_of(model, opened, source, seed=config.seed), why="a model is hardened")
    check_several_classes(task)
    check_epsilon(max(config.judging.epsilons), config.norm, task.shape)
    check_shape(task.shape)
    base = opened.base or base_of(
        opened.module, name=opened.name, blueprint=opened.blueprint, factory=factory, arguments=arguments
    )
    if config.sparsity:
        _check_plain_weights(opened.module)
        check_possible(prunable(opened.module), config.sparsity)
    batch = batch_of(task.validation.take(range(min(LOOKED_AT, len(task.validation)))))
    look = look_at(opened.module, batch.images, batch.targets)
    if not look.has_gradient or (look.silent == 1 and look.looked_at):
        raise UnsupportedError(
            f"{opened.name} has no gradient in its images, so it cannot be trained against an adversary that follows it"
        )
    if isinstance(model, nn.Module):
        assert isinstance(opened.module, Headed)  # (as fitting_own leaves it)
        check_built_anew(opened, opened.module, base, task.shape, factory=factory, arguments=arguments)
    given = targets_of(opened, targets, seed=config.seed)
    other = None if immunise is None else targets_of(opened, [immunise], seed=config.seed)[0]
    if other is not None and not other.traits.has_classes:
        raise UnsupportedError(
            f"a model is immunised against data with classes, one for each image; {other.name!r} is a {other.kind} task"
        )
    notes = (
        *opened.notes,
        *mode_notes(model, "hardened and judged"),
        *look.notes,
        *_silence(look),
        *in_common_notes(task, given),
    )
    return Prepared(opened, task, base, given, other, config, notes)


def _silence(look: Look) -> list[str]:
    """What is said of a model that an adversary can follow at some images only."""
    if look.silent <= SILENT:
        return []
    return [
        f"at {look.silent:.0%} of the images the given model has no gradient (saturated or rounded answers?), so the "
        "adversary that it is trained against has nothing to follow there"
    ]


def _check_plain_weights(model: nn.Module) -> None:
    """UnsupportedError where layers compute their weights, so that zeros would not stay zeros."""
    layers = [
        name.removeprefix(TAPPED)
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d) and "weight" not in layer._parameters
    ]
    if layers:
        raise UnsupportedError(
            f"the weights of {', '.join(layers[:3])}{' and others' * (len(layers) > 3)} are computed (weight norm or "
            "another parametrisation), so they cannot be pruned; make them plain before with "
            "torch.nn.utils.parametrize.remove_parametrizations (or remove_weight_norm), or ask for sparsity 0"
        )
