"""List what of a trained model can be removed; and remove it, and write the smaller model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.models import (
    TAPPED,
    Drop,
    Edit,
    Headed,
    Narrow,
    Structure,
    as_classifier,
    dropped,
    labelled,
    narrowed,
    norms_of,
    structure_of,
)
from archlock.recipes.edited import check_shape, made_up_images
from archlock.recipes.edited_base import base_of
from archlock.recipes.edits.influence import influences_of
from archlock.recipes.edits.record import EditsRecord, record_of
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.storing import stored
from archlock.records import check_writable
from archlock.seeding import derive_seed
from archlock.tasks import Task, check_classes, conform, share_of

TRIED_ON: Final = 2
"""Random images on which it is tried what is exact."""
IMAGES: Final = 500
"""Of the source, at most, on which the influence is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class EditsFound:
    """What of a model can go."""

    record: EditsRecord
    structure: Structure
    """By the names of the modules of ``model``."""
    model: Headed
    """As it was opened, in evaluation mode."""


@dataclass(frozen=True, slots=True, eq=False)
class EditedModel:
    """A smaller model, and where it lies."""

    model: nn.Module
    path: Path
    edits: tuple[Edit, ...]
    parameters: tuple[int, int]
    """Before and after."""
    macs: tuple[int, int]


def list_edits(
    model: str | Path | nn.Module | OpenedModel,
    *,
    source: Task | str | Path | None = None,
    seed: int = 0,
    **opening: Any,
) -> EditsFound:
    """Groups and blocks of a model, each tried, and what stays and why; ``opening`` is as for ``open_model``.

    With a ``source``, the data that it was trained for (classes in the order of its outputs), their influence, too.
    A model whose forward pass decides by numbers raises UnsupportedError.
    """
    opened = model if isinstance(model, OpenedModel) else open_model(model, **opening)
    task = None if source is None else _fitting(opened, source, seed)
    shape = opened.shape or (None if task is None else task.shape)
    if shape is None:
        raise ConfigurationError(f"{opened.name} does not say which images it takes; give --size, as in --size 224,224")
    ready = as_classifier(opened.module, shape).eval()
    structure = _structure(ready, opened.name, shape, seed)
    record = record_of(structure, name=opened.name, origin=opened.origin, shape=shape)
    if task is not None:
        split = share_of(task, IMAGES, seed=seed).train
        known = influences_of(ready, structure, split)
        record = record_of(
            structure,
            name=opened.name,
            origin=opened.origin,
            shape=shape,
            influences=known,
            source=task.name,
            images=len(split),
        )
    return EditsFound(record, structure, ready)


def edit(
    model: str | Path | OpenedModel,
    *,
    out: str | Path,
    narrow: Mapping[str, int | float] | None = None,
    drop: Sequence[str] = (),
    seed: int = 0,
    factory: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> EditedModel:
    """Write a model without some units of groups and without some blocks; nothing is trained, so its accuracy falls.

    ``narrow`` says of groups how many units are kept (a share where it is below 1); those with the least norm go.
    ``drop`` names blocks. What was written is read again and must answer the same bits. ``out`` is a new or empty
    directory. A group or block that is not there, or a layer that would be left empty, raises UnsupportedError.
    """
    given = dict[str, Any](factory=factory, arguments=arguments, size=size, channels=channels)
    opened = model if isinstance(model, OpenedModel) else open_model(model, **given)
    folder = Path(out)
    if not narrow and not drop:
        raise ConfigurationError("nothing is asked for; say what to narrow, or which blocks to leave out")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty; give a new or an empty directory as --out")
    check_writable(folder / "edited.json")
    found = list_edits(opened, seed=seed)
    shape = found.record.shape
    check_shape(shape)
    base = opened.base or base_of(
        found.model, name=opened.name, blueprint=opened.blueprint, factory=factory, arguments=arguments or {}
    )
    chosen = {name: _least(found, name, amount) for name, amount in _full(narrow or {}, found).items()}
    blocks = [_known(one, [block.name for block in found.structure.blocks]) for one in drop]
    smaller = dropped(narrowed(found.model, found.structure, chosen), found.structure, blocks)
    whole = {name: found.structure.group(name).units for name in chosen}
    edits: tuple[Edit, ...] = tuple(Narrow(name, whole[name] - len(gone), whole[name]) for name, gone in chosen.items())
    edits += tuple(Drop(name, found.structure.block(name).members) for name in blocks)
    stored(folder, opened, smaller, edits, base, shape=shape, factory=factory, arguments=arguments)
    left = structure_of(smaller, made_up_images(shape)[:1])
    before = found.structure
    return EditedModel(smaller, folder, edits, (before.parameters, left.parameters), (before.macs, left.macs))


def _structure(model: Headed, name: str, shape: tuple[int, int, int], seed: int) -> Structure:
    images = torch.rand(TRIED_ON, *shape, generator=torch.Generator().manual_seed(derive_seed(seed, "edits")))
    try:
        return labelled(model, structure_of(model, images[:1]), images, seed=seed)
    except UnsupportedError as error:
        raise UnsupportedError(f"{name}: {error}") from error


def _fitting(opened: OpenedModel, source: Task | str | Path, seed: int) -> Task:
    """The source with images as the model takes them; ConfigurationError where the classes are not as many."""
    task = source if isinstance(source, Task) else opened.read(str(source), seed=seed)
    check_classes(task, "influence is measured by classes")
    fitting = task if opened.shape is None else conform(task, opened.shape, framing=opened.framing)
    outputs = as_classifier(opened.module, fitting.shape).head
    if isinstance(outputs, nn.Linear) and outputs.out_features != fitting.outputs:
        raise ConfigurationError(
            f"{opened.name} has {outputs.out_features} outputs, but {fitting.name!r} has {fitting.outputs} classes; "
            "give as --source the data it was trained for, with its classes in the order of the outputs, or leave it "
            "out"
        )
    return fitting


def _full(narrow: Mapping[str, int | float], found: EditsFound) -> dict[str, int | float]:
    """By the names of the structure, which has them with what was put around the model."""
    if not found.structure.groups:
        reasons = "; ".join(f"{one.name}: {one.why}" for one in found.record.fixed)
        raise UnsupportedError(f"no channels of {found.record.name} can be removed: {reasons}")
    names = [group.name for group in found.structure.groups]
    return {_known(name, names): amount for name, amount in narrow.items()}


def _known(name: str, names: Sequence[str]) -> str:
    return f"{TAPPED}{name}" if f"{TAPPED}{name}" in names else name


def _least(found: EditsFound, name: str, amount: float) -> list[int]:
    """The units of a group that go, those of least norm."""
    group = found.structure.group(name)
    if not math.isfinite(amount):
        raise ConfigurationError(
            f"{amount} of the {group.units} units of {name.removeprefix(TAPPED)!r} is no number of units; give a whole "
            f"number from 1 to {group.units}, or a share below 1"
        )
    kept = round(amount * group.units) if 0 < amount < 1 else amount
    if kept != int(kept) or not 1 <= kept <= group.units:
        raise UnsupportedError(
            f"{amount:g} of the {group.units} units of {name.removeprefix(TAPPED)!r} cannot be kept: give a whole "
            f"number from 1 to {group.units}, or a share below 1 that leaves at least one"
        )
    order = norms_of(found.model, found.structure, group).argsort(stable=True)
    return sorted(order[: group.units - int(kept)].tolist())
