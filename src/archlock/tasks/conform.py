"""Make a task fit a model's input: other image size, other number of channels, the same labels."""

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from archlock.errors import ConfigurationError
from archlock.tasks.resizing import resized
from archlock.tasks.task import Split, Task

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey level (ITU-R BT.601)."""


def conform(task: Task, shape: tuple[int, int, int]) -> Task:
    """The task with images of the given shape (channels, height, width); the task itself if they have it already.

    Images are scaled to exactly that height and width (bilinear with antialiasing). Grey becomes RGB by repetition, RGB
    becomes grey by luma, any other change of channels is their mean, repeated. Dense targets are treated likewise.
    """
    if min(shape) < 1:
        raise ConfigurationError(f"cannot make images of shape {shape}; channels, height and width are at least 1")
    if task.shape == shape:
        return task
    train, validation, test = (_conformed(split, shape) for split in (task.train, task.validation, task.test))
    before, after = (f"{s[1]} x {s[2]} x {s[0]}" for s in (task.shape, shape))
    origin = f"{task.origin}; images conformed from {before} to {after} (height x width x channels)"
    return replace(task, train=train, validation=validation, test=test, origin=origin)


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


def _conformed(split: Split, shape: tuple[int, int, int]) -> Split:
    channels, height, width = shape

    def fit(images: np.ndarray) -> np.ndarray:
        return resized(with_channels(images, channels), height, width)

    return Split(fit(split.images), fit(split.targets) if split.targets.ndim == 4 else split.targets)
