"""Changes of many images at once, a few hundred at a time so that memory stays small."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, UInt8

CHUNK = 512


def changed(
    images: UInt8[np.ndarray, "examples height width channels"],
    change: Callable[[Float32[np.ndarray, "chunk height width channels"]], Float32[np.ndarray, "chunk h w channels"]],
) -> UInt8[np.ndarray, "examples height width channels"]:
    """Images after a change that was computed in floating point (levels 0 to 255), rounded and clipped."""
    out = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        levels = change(images[start : start + CHUNK].astype(np.float32))
        out[start : start + CHUNK] = np.rint(levels).clip(0, 255).astype(np.uint8)
    return out


def with_noise(
    images: UInt8[np.ndarray, "examples height width channels"], std: float, rng: np.random.Generator
) -> UInt8[np.ndarray, "examples height width channels"]:
    """Images with Gaussian noise of that standard deviation (in levels), another one for every pixel and channel."""

    def noisy(levels: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
        return np.asarray(levels + np.float32(std) * rng.standard_normal(levels.shape, dtype=np.float32))

    return changed(images, noisy)
