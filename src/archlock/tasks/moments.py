"""Mean and deviation of every channel: exact for levels, in double precision for measured values."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8

from archlock.tasks.stored.view import Rows, StoredImages, is_stored

Moments = tuple[tuple[float, ...], tuple[float, ...]]
"""Means and standard deviations, one per channel."""

GRAIN = 2.0**-20
"""Part of a deviation to which means are rounded."""

AT_ONCE = 2**22
"""Values that are looked at at once, so that no large temporary is made."""


def moments_of(values: Any) -> Moments:
    """Of levels in [0, 1], of measured values in their units; of images on disk without reading them."""
    if is_stored(values):
        return stored_moments(values)
    return level_moments(values) if values.dtype == np.uint8 else measured_moments(values)


def stored_moments(images: StoredImages) -> Moments:
    """As :func:`level_moments`, from the sums of every image: exact up to the last rounding."""
    facts, count = images.facts(), len(images) * images.size[0] * images.size[1]
    mean, std = [], []
    for channel in range(images.channels):
        total, squares = (sum(facts[name][:, channel].tolist()) for name in ("sum", "square"))
        mean.append(total / count / 255)
        std.append(max(1, math.sqrt(squares * count - total * total) / count) / 255)
    return tuple(mean), tuple(std)


def level_moments(images: UInt8[np.ndarray, "examples height width channels"]) -> Moments:
    """In [0, 1], deviations at least 1 / 255; by counts, so no order of summation and no large temporary."""
    pixels = images.reshape(-1, images.shape[3])
    count = [np.bincount(pixels[:, c], minlength=256) for c in range(images.shape[3])]
    levels = np.arange(256) / 255
    mean = [float(n @ levels / n.sum()) for n in count]
    std = [float(np.sqrt(n @ (levels - m) ** 2 / n.sum())) for n, m in zip(count, mean, strict=True)]
    return tuple(mean), tuple(max(s, 1 / 255) for s in std)


def measured_moments(values: np.ndarray) -> Moments:
    """In the units of the values (N x H x W x C); the deviation of a constant channel counts as 1.

    Summed in double precision; deviations are rounded to single and means to GRAIN deviations, so that the order of
    summation is not seen in the result.
    """
    count = values[..., 0].size
    mean = sum(part.sum(axis=(0, 1, 2)) for part in _parts(values)) / count
    variance = sum(np.square(part - mean).sum(axis=(0, 1, 2)) for part in _parts(values)) / count
    constant = np.array([values[..., c].min() == values[..., c].max() for c in range(values.shape[3])])
    std = np.where(constant | (variance == 0), 1.0, np.sqrt(variance)).astype(np.float32).astype(np.float64)
    rounded = np.round(mean / (GRAIN * std)) * GRAIN * std
    return tuple(rounded.astype(np.float32).tolist()), tuple(std.tolist())


def rows_not_finite(values: Rows) -> Int64[np.ndarray, " rows"]:
    """Rows that hold NaN or an infinity; whole numbers have none."""
    if values.dtype.kind != "f":
        return np.zeros(0, dtype=np.int64)
    step = max(1, AT_ONCE // max(1, values[0].size)) if len(values) else 1
    bad = [
        start + np.flatnonzero(~np.isfinite(values[start : start + step].reshape(-1, values[0].size)).all(axis=1))
        for start in range(0, len(values), step)
    ]
    return np.concatenate(bad) if bad else np.zeros(0, dtype=np.int64)


def _parts(values: np.ndarray) -> Iterator[np.ndarray]:
    step = max(1, AT_ONCE // values[0].size)
    for start in range(0, len(values), step):
        yield values[start : start + step].astype(np.float64)
