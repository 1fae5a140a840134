"""The data that a model was trained for: what a lock run says of it, and whether data fit the model's outputs."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from archlock.errors import ArchLockError, ConfigurationError, RunError
from archlock.recipes.opening import OpenedModel, with_head
from archlock.recipes.workspace import RESULT
from archlock.reports import LockRecord, from_json
from archlock.tasks import Task, check_classes
from archlock.training import batch_of

GIVE: Final = "give --source, the data that it was trained for"


def source_of_run(model: object, opened: OpenedModel) -> Task:
    """The source of a lock run, opened again as its command named it, at the size of its images.

    Another model, a run whose command names no source (from Python, a demo), and data that are gone or have changed
    (another fingerprint) raise ConfigurationError.
    """
    result = Path(str(model)) / RESULT
    if not isinstance(model, str | Path) or not result.is_file():
        raise ConfigurationError(f"{opened.name} does not know its own data; {GIVE}")
    record = from_json(result)
    if not isinstance(record, LockRecord):
        raise RunError(f"{model} holds an attack, not a lock; give the directory of the lock run that it attacked")
    text = _source_named(record.command)
    if text is None:
        raise ConfigurationError(f"the command of {model} names no data that can be opened ({record.command}); {GIVE}")
    try:
        task = opened.read(text, seed=record.seed)
    except ArchLockError as error:
        raise ConfigurationError(f"the source {text!r} of {model} cannot be opened ({error}); {GIVE}") from error
    if task.fingerprint != record.source.fingerprint:
        raise ConfigurationError(
            f"{text!r} is not what {model} was trained on any more, or was read with other options (another "
            f"fingerprint), so its test images may have been trained on; {GIVE}"
        )
    return task


def fitted_source(opened: OpenedModel, task: Task, why: str) -> tuple[OpenedModel, Task]:
    """Model and data as they go together; as many classes as outputs, else ConfigurationError. ``why``: see
    ``check_classes``."""
    check_classes(task, why)
    opened = with_head(opened, task.shape) if opened.shape is None else opened
    task = opened.fitting(task)
    with torch.no_grad():
        outputs = opened.module(batch_of(task.test.take([0])).images).shape[1]
    if outputs != task.outputs:
        raise ConfigurationError(
            f"{opened.name} has {outputs} outputs, but {task.name!r} has {task.outputs} classes; give as --source the "
            "data it was trained for, with its classes in the order of the outputs"
        )
    return replace(opened, shape=opened.shape or task.shape), task


def _source_named(command: str) -> str | None:
    """What ``archlock lock ... --source TEXT`` said; None where it is no such command."""
    words = shlex.split(command)
    for place, word in enumerate(words[:-1] if words[:2] == ["archlock", "lock"] else ()):
        if word == "--source":
            return words[place + 1]
    named = [word.removeprefix("--source=") for word in words if word.startswith("--source=")]
    return named[0] if named else None
