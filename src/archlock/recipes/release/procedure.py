"""Release a trained model with friction: the same function, hard to fine-tune as it stands, with honest figures."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.execution import resolve_device, workers_for
from archlock.models import Fold, Headed, Hindered, Neck, Rescale, as_classifier, hindered, linear_head
from archlock.progress import Progress, Silent
from archlock.recipes.edited import check_shape
from archlock.recipes.edited_base import base_of, opened_with
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.release.config import ReleaseConfig
from archlock.recipes.release.figures import attackers_share, measured
from archlock.recipes.storing import stored
from archlock.recipes.task_records import versions
from archlock.recipes.workspace import CARD
from archlock.records import check_writable, write_atomic, write_json
from archlock.reports import FRICTION_SCHEMA, FrictionRecord, FrictionTrial, render_friction_card
from archlock.seeding import derive_seed
from archlock.tasks import Task, check_classes
from archlock.training import batch_of

FRICTION: Final = "friction.json"
COMPARED: Final = 64
"""Images on which both forms must answer the same."""


@dataclass(frozen=True, slots=True, eq=False)
class FrictionResult:
    """What was written."""

    record: FrictionRecord
    path: Path
    """Directory with the model, ``README.md`` and ``friction.json``."""
    model: nn.Module
    """The model with friction, in evaluation mode."""

    @property
    def card(self) -> Path:
        """The card."""
        return self.path / CARD


def release_with_friction(
    model: str | Path | OpenedModel,
    *,
    out: str | Path,
    target: Task | str | Path | None = None,
    config: ReleaseConfig | None = None,
    factory: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    command: str = "archlock.recipes.release_with_friction(...)",
) -> FrictionResult:
    """Write a model in a form that hinders plain fine-tuning and answers the same, with a card that hides nothing.

    ``model`` and what follows it are as for ``open_model``. Both forms must answer the same (1e-4 of the largest
    answer) on images of the target, or on random ones, before anything is written. With a ``target``, attackers who do
    not know what was done and attackers who do are let loose on both forms; without one the card says that nothing was
    measured. ``out`` is a new or empty directory.

    A model to which nothing can be done raises UnsupportedError with the reasons, one that nothing on disk describes
    ConfigurationError.
    """
    config, progress, folder = config or ReleaseConfig(), progress or Silent(), Path(out)
    place = resolve_device(config.device)
    opened = model
    if not isinstance(opened, OpenedModel):
        opened = open_model(opened, factory=factory, arguments=arguments, size=size, channels=channels)
    if any(isinstance(edit, Fold | Rescale | Neck) for edit in opened.edits):
        raise ConfigurationError(f"{opened.name} has friction already; give the model that it was made of")
    data = _target(opened, target, config)
    shape = opened.shape or (None if data is None else data.shape)
    if shape is None:
        raise ConfigurationError(
            f"{opened.name} does not say which images it takes; give their height and width with --size, as in --size "
            "224,224, or a --target"
        )
    check_shape(shape)
    ready = as_classifier(opened.module, shape)
    base = opened.base or base_of(
        ready, name=opened.name, blueprint=opened.blueprint, factory=factory, arguments=arguments or {}
    )
    _check_place(folder)
    images, compared_on = _images(data, shape, config)
    began = time.perf_counter()
    try:
        made = hindered(ready, images, spread=config.spread, seed=config.seed)
    except UnsupportedError as error:
        raise UnsupportedError(f"{opened.name} gets no friction: {error}") from error
    record = _record(opened, ready, made, config, compared_on, time.perf_counter() - began, command, opened_with(base))
    if data is not None:
        forms: dict[Any, nn.Module] = {"original": ready, "friction": made.model}
        trials = measured(forms, data, config, workers=workers_for(place, workers), progress=progress)
        record = _with_trials(record, data, config, trials)
    stored(
        folder, opened, made.model, made.edits, base, shape=shape, factory=factory, arguments=arguments,
        name=record.name,
    )  # fmt: skip
    write_json(folder / FRICTION, record)
    write_atomic(folder / CARD, render_friction_card(record, folder=str(folder)))
    return FrictionResult(record, folder, made.model)


def _target(opened: OpenedModel, target: Task | str | Path | None, config: ReleaseConfig) -> Task | None:
    """The target as the model takes it."""
    if target is None:
        return None
    task = target if isinstance(target, Task) else opened.read(str(target), seed=config.seed)
    check_classes(task, "friction is measured by classes")
    return opened.fitting(task)


def _check_place(folder: Path) -> None:
    """RunError where the directory holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty; give a new or an empty directory as --out")
    check_writable(folder / FRICTION)


def _images(data: Task | None, shape: tuple[int, int, int], config: ReleaseConfig) -> tuple[Tensor, str]:
    """Images on which both forms are compared, and in words which those are."""
    if data is not None:
        images = batch_of(data.train.take(range(min(COMPARED, len(data.train))))).images
        return images, f"on {len(images)} images of {data.name}"
    numbers = torch.Generator().manual_seed(derive_seed(config.seed, "compared"))
    return torch.rand(COMPARED, *shape, generator=numbers), f"on {COMPARED} random images"


def _record(
    opened: OpenedModel,
    original: Headed,
    made: Hindered,
    config: ReleaseConfig,
    compared_on: str,
    seconds: float,
    command: str,
    opened_with: str,
) -> FrictionRecord:
    kinds = [type(edit) for edit in made.edits]
    neck = next((edit.width for edit in made.edits if isinstance(edit, Neck)), None)
    return FrictionRecord(
        schema=FRICTION_SCHEMA,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        versions=versions(),
        name=opened.name,
        folded=kinds.count(Fold),
        rescaled=kinds.count(Rescale),
        spread=config.spread,
        features=linear_head(original).in_features,
        neck=neck,
        left=made.left,
        difference=made.difference,
        compared_on=compared_on,
        seconds=seconds,
        opened_with=opened_with,
    )


def _with_trials(
    record: FrictionRecord, data: Task, config: ReleaseConfig, trials: tuple[FrictionTrial, ...]
) -> FrictionRecord:
    share = np.bincount(data.test.targets, minlength=data.outputs) / len(data.test)
    return replace(
        record,
        target=data.name,
        chance=float(share.max()),
        images=len(attackers_share(data, config, 0).train),
        tested_on=len(data.test),
        epochs=config.epochs,
        trials=trials,
    )
