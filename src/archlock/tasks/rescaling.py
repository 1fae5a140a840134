"""Measured values for a model of another size: other lengths, other channels, other units.

What an attacker does who takes a model of one sensor for the data of another. There is no published rule for channels;
ours loses nothing of them. Where data have fewer channels than the model, theirs are repeated in turn. Where they have
more, the channels are dealt out in order to those of the model, and what comes to one of them is laid end to end along
the width, and brought to the length that is needed.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from archlock.tasks.forms import Shape
from archlock.tasks.moments import Moments
from archlock.tasks.resizing import resized
from archlock.tasks.task import Task

CLOSE = 1e-4
"""Part of a deviation by which means may differ, and deviations themselves, and count as the same."""

Change = Callable[[np.ndarray], np.ndarray]


def as_measured(values: np.ndarray) -> Float32[np.ndarray, "examples height width channels"]:
    """In single precision, which holds every whole number of 16 bits exactly."""
    return values if values.dtype == np.float32 else values.astype(np.float32)


def of_units(task: Task, shape: Shape, units: Moments | None) -> Change | None:
    """What brings values of the task to that shape and into those units (mean and deviation by channel).

    Without ``units`` they stay in their own; where channels change that have none, each channel becomes one of mean 0
    and deviation 1. None where nothing is to be done.
    """
    same = task.shape[0] == shape[0]
    if units is None:
        units = (task.mean, task.std) if same else ((0.0,) * shape[0], (1.0,) * shape[0])
    mean, std, new_mean, new_std = (np.array(one, dtype=np.float32) for one in (task.mean, task.std, *units))
    alike = same and bool((np.abs(mean - new_mean) <= CLOSE * std).all() and np.allclose(std, new_std, rtol=CLOSE))
    if alike and task.shape == shape:
        return None

    def changed(values: np.ndarray) -> np.ndarray:
        if alike:
            return resized(values, shape[1], shape[2])
        standard = (values - mean) / std
        arranged = resized(standard, shape[1], shape[2]) if same else rearranged(standard, shape)
        found: np.ndarray = arranged * new_std + new_mean
        return found

    return changed


def rearranged(
    values: Float32[np.ndarray, "examples height width channels"], shape: Shape
) -> Float32[np.ndarray, "examples new_height new_width new_channels"]:
    """Values with another number of channels, as this file says at its top."""
    channels, height, width = shape
    given = values.shape[3]
    if given <= channels:
        return resized(values[..., np.arange(channels) % given], height, width)
    made = []
    for dealt in np.array_split(np.arange(given), channels):
        row = np.concatenate([values[..., channel] for channel in dealt], axis=2)
        made.append(resized(row[..., None], height, width))
    return np.concatenate(made, axis=3)
