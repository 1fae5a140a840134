"""A model and the task that it was trained for, as they go together."""

import shlex
from pathlib import Path

import numpy as np
import torch
from torch import nn

from archlock.errors import ArchLockError, ConfigurationError, UnsupportedError
from archlock.recipes.opening import OpenedModel, with_head
from archlock.recipes.workspace import RESULT
from archlock.reports import LockRecord, from_json
from archlock.tasks import Task, conform, open_task
from archlock.training import batch_of


def fitting_own(opened: OpenedModel, task: Task, *, why: str) -> tuple[OpenedModel, Task]:
    """The model and the task as they go together.

    ``why`` says for what classes are needed (``robustness is measured``). A task without classes raises
    UnsupportedError, classes that do not match the head, or images of a single class, ConfigurationError.
    """
    if not task.traits.has_classes:
        raise UnsupportedError(f"{why} by classes, one for each image; {task.name!r} is a {task.kind} task")
    if opened.shape is None:
        opened = with_head(opened, task.shape)
    else:
        task = conform(task, opened.shape, framing=opened.framing)
    with torch.no_grad():
        outputs = opened.module(batch_of(task.test.take([0])).images).shape[1]
    if outputs != task.outputs:
        raise ConfigurationError(
            f"{opened.name} has {outputs} outputs, but {task.name!r} has {task.outputs} classes; give as --source the "
            "data it was trained for, with its classes in the order of the outputs"
        )
    return opened, task


def check_several_classes(task: Task) -> None:
    """ConfigurationError where all training images are of one class: there is nothing to tell apart."""
    found = np.unique(task.train.targets)
    if len(found) < 2:
        raise ConfigurationError(
            f"all training images of {task.name!r} are of the class {task.classes[int(found[0])]!r}, so there is "
            "nothing to tell apart; give images of several classes"
        )


def mode_notes(model: object, done: str) -> list[str]:
    """What is said of a module that was given while it trains; ``done`` is what is done with it."""
    if isinstance(model, nn.Module) and any(one.training for one in model.modules()):
        return [f"the model was given in training mode; it is {done} in evaluation mode, as it would be used"]
    return []


def known_images_notes(validation: float, test: float, task: Task) -> list[str]:
    """What is said of a given model that is right about more of the validation images than chance lets it be.

    Those are of the training data that the user gave, and so most likely what it was trained on. Above three standard
    errors of the difference of both accuracies, and two points.
    """
    right = (validation * len(task.validation) + test * len(task.test)) / (len(task.validation) + len(task.test))
    error = (right * (1 - right) * (1 / len(task.validation) + 1 / len(task.test))) ** 0.5
    if validation - test <= max(0.02, 3 * error):
        return []
    return [
        f"the model is right about {validation:.1%} of the validation images and {test:.1%} of the test images: it was "
        "probably trained on the former, so only the test accuracies of both models can be compared"
    ]


def source_of(model: object, opened: OpenedModel, source: Task | str | Path | None, *, seed: int) -> Task:
    """The task as given, or that of a lock run, opened again from where the run's command says.

    ConfigurationError where nobody says, or where what lies there now is not what the run was made with.
    """
    if isinstance(source, Task):
        return source
    if source is not None:
        return opened.read(str(source), seed=seed)
    path = Path(model) / RESULT if isinstance(model, str | Path) else None
    record = from_json(path) if path is not None and path.is_file() else None
    if not isinstance(record, LockRecord):
        raise ConfigurationError(f"nobody says what {opened.name} was trained for; give its data with --source")
    text = _said_source(record.command)
    for size in (None, opened.reading):
        try:
            task = (
                None
                if text is None
                else open_task(text, image_size=size, signals=opened.takes_signals, seed=record.seed)
            )
        except ArchLockError:
            task = None
        if task is not None and task.fingerprint == record.source.fingerprint:
            return task
    where = (
        f"{text!r}, which its command names, is not that any more" if text else "its command does not say where it is"
    )
    raise ConfigurationError(
        f"{model} was trained on {record.source.name!r}, and {where}; give the same data with --source"
    )


def _said_source(command: str) -> str | None:
    """What follows ``--source`` on a command line."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for place, word in enumerate(words):
        if word == "--source" and place + 1 < len(words):
            return words[place + 1]
        if word.startswith("--source="):
            return word.partition("=")[2]
    return None
