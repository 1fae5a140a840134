"""Make a task fit a model's input: other image size, other number of channels, the same labels."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import UInt8

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.tasks.forms import FORM_WORDS, Form
from archlock.tasks.framing import Framing, framed
from archlock.tasks.kinds import KINDS
from archlock.tasks.moments import Moments
from archlock.tasks.rescaling import as_measured, of_units
from archlock.tasks.resizing import LUMA, resized
from archlock.tasks.rows import is_stored
from archlock.tasks.stored.rewriting import rewritten
from archlock.tasks.task import Signature, Split, Task


def conform(task: Task, shape: tuple[int, int, int], *, framing: Framing | None = None) -> Task:
    """The task with images of the given shape (channels, height, width); the task itself if they have it already.

    Images are scaled to exactly that height and width (bilinear with antialiasing), or brought to it as ``framing`` (of
    that size) says. Grey becomes RGB by repetition, RGB becomes grey by luma, any other change of channels is their
    mean, repeated. Dense targets are treated likewise.

    Images whose files were larger than what was read of them are not enlarged again: that would show a model a blur
    where the files have detail (ConfigurationError). Those that are truly smaller are, and ``Task.enlarged_from`` says
    so.

    Signals keep one row (else ConfigurationError); they, and all measured values, are changed as
    :mod:`archlock.tasks.rescaling` says, and ``framing`` is of no account for them.
    """
    if min(shape) < 1:
        raise ConfigurationError(f"cannot make images of shape {shape}; channels, height and width are at least 1")
    if task.shape == shape:
        return task
    if task.measured:
        return _of_measured(task, shape, None)
    side, stored = min(shape[1:]), task.stored_side or task.side
    if side > task.side and stored > task.side:
        raise ConfigurationError(
            f"the images of {task.name!r} were read at {task.shape[1]} x {task.shape[2]} pixels, and {shape[1]} x "
            f"{shape[2]} are needed. The files are larger ({stored} pixels, smaller side), so what was read is not "
            f"enlarged: open the data at the needed size, as in open_task(path, image_size={side})"
        )
    train, validation, test = (
        _conformed(split, shape, framing, repr(task.name)) for split in (task.train, task.validation, task.test)
    )
    before, after = (f"{s[1]} x {s[2]} x {s[0]}" for s in (task.shape, shape))
    origin = f"{task.origin}; images conformed from {before} to {after} (height x width x channels)"
    kept = task.stored_side if task.shape[1:] == shape[1:] else stored
    return replace(task, train=train, validation=validation, test=test, origin=origin, stored_side=kept)


def conform_to(task: Task, signature: Signature, *, framing: Framing | None = None) -> Task:
    """The task as :func:`conform` makes it for a model built for that signature, measured values in its units.

    Every channel gets the mean and the deviation that the model was built for, as somebody does who takes a model over.
    UnsupportedError for signals and a model of images, or the other way round, and likewise for measured values and
    levels.
    """
    refuse_other_form(task, signature)
    if not task.measured:
        return conform(task, signature.shape, framing=framing)
    return _of_measured(task, signature.shape, (signature.mean, signature.std))


def refuse_other_form(task: Task, signature: Signature) -> None:
    """UnsupportedError for signals and a model of images, or the other way round; so for measured values and levels."""
    if (task.form, task.measured) != (signature.form, signature.measured):
        raise UnsupportedError(
            f"the model takes {_said_of(signature.form, measured=signature.measured)}, and {task.name!r} holds "
            f"{_said_of(task.form, measured=task.measured)}; give data of the same form"
        )


def _said_of(form: Form, *, measured: bool) -> str:
    kept = "measured values" if measured else "levels of 0 to 255"
    return FORM_WORDS[form].many if form == "signal" else f"{FORM_WORDS[form].many} of {kept}"


def _of_measured(task: Task, shape: tuple[int, int, int], units: Moments | None) -> Task:
    """Values of another size, other channels, or in other units; the task itself where nothing is to be done."""
    before, after = task.words.size(task.shape), task.words.size(shape)
    if task.form == "signal" and shape[1] != 1:
        raise ConfigurationError(
            f"the signals of {task.name!r} have {before} and no height; {shape[1]} x {shape[2]} was asked for: give a "
            "length, or leave the size out"
        )
    change = of_units(task, shape, units)
    if change is None:
        return task
    train, validation, test = (
        _changed(split, shape, change, repr(task.name)) for split in (task.train, task.validation, task.test)
    )
    said = [f"{before} and {task.shape[0]} channels to {after} and {shape[0]}"] if task.shape != shape else []
    said += ["in the units of the model"] if units is not None else []
    origin = f"{task.origin}; {task.words} conformed {', '.join(said)}"
    return replace(task, train=train, validation=validation, test=test, origin=origin)


def _changed(
    split: Split, shape: tuple[int, int, int], change: Callable[[np.ndarray], np.ndarray], where: str
) -> Split:
    targets = KINDS[split.kind].conformed(split.targets, change, shape[1:], where)
    return replace(split, images=change(as_measured(split.images)), targets=targets)


def with_channels(
    images: UInt8[np.ndarray, "examples height width channels"], channels: int
) -> UInt8[np.ndarray, "examples height width other_channels"]:
    """Images with another number of channels, by the rules of :func:`conform`."""
    if images.shape[3] == channels:
        return images
    return np.repeat(grey_levels(images)[..., None], channels, axis=3)


def grey_levels(
    images: UInt8[np.ndarray, "examples height width channels"],
) -> UInt8[np.ndarray, "examples height width"]:
    """One level per pixel: luma of three channels, else the mean of all."""
    if images.shape[3] == 1:
        return images[..., 0]
    channels = images.shape[3]
    weights = LUMA if channels == 3 else (1 / channels,) * channels
    levels = np.zeros(images.shape[:3], dtype=np.float32)
    for channel, weight in enumerate(weights):
        levels += images[..., channel] * np.float32(weight)
    return np.rint(levels).clip(0, 255).astype(np.uint8)


def _conformed(split: Split, shape: tuple[int, int, int], framing: Framing | None, where: str) -> Split:
    channels, height, width = shape

    def fit(images: Any) -> Any:
        if is_stored(images):
            if images.size == (height, width) and images.channels == 1 and channels == 3:
                return images.with_channels(channels)
            return rewritten(images, fit, shape, "conformed", framing)
        other = with_channels(images, channels)
        if framing is None or images.shape[1:3] == (height, width):
            return resized(other, height, width)
        return framed(other, framing)

    targets = KINDS[split.kind].conformed(split.targets, fit, (height, width), where)
    return replace(split, images=fit(split.images), targets=targets)
