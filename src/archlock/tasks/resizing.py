"""Scale many images at once, bilinear with antialiasing (Pillow), for any number of channels."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32, UInt8

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey level (ITU-R BT.601)."""


def resized(
    images: UInt8[np.ndarray, "examples height width channels"] | Float32[np.ndarray, "examples height width channels"],
    height: int,
    width: int,
    *,
    boxes: Float[np.ndarray, "examples 4"] | None = None,
) -> (
    UInt8[np.ndarray, "examples new_height new_width channels"]
    | Float32[np.ndarray, "examples new_height new_width channels"]
):
    """Images of the given size; with ``boxes`` (left, top, right, bottom in pixels) only that part of each image.

    Levels are rounded; measured values are not. Those of one row are all scaled at once, each row by itself.
    """
    if images.shape[1:3] == (height, width) and boxes is None:
        return images
    if images.shape[1] == height == 1 and images.dtype == np.float32 and boxes is None:
        return _rows_scaled(images, width)
    out = np.empty((len(images), height, width, images.shape[3]), dtype=images.dtype)
    for row, image in enumerate(images):
        out[row] = _scaled(image, height, width, None if boxes is None else boxes[row].tolist())
    return out


def recoloured(
    images: UInt8[np.ndarray, "examples height width channels"], factors: Float[np.ndarray, "examples 3"]
) -> UInt8[np.ndarray, "examples height width channels"]:
    """Images of other brightness, contrast (about the mean grey) and saturation, in this order; 1 changes nothing.

    Of images that have not three channels the saturation stays.
    """
    out = np.empty_like(images)
    for row, image in enumerate(images):
        brightness, contrast, saturation = factors[row].astype(np.float32)
        levels = (image.astype(np.float32) * brightness).clip(0, 255)
        mean = _grey(levels).mean()
        levels = ((levels - mean) * contrast + mean).clip(0, 255)
        if image.shape[2] == 3:
            grey = _grey(levels)[..., None]
            levels = (levels - grey) * saturation + grey
        out[row] = np.rint(levels.clip(0, 255))
    return out


def _grey(levels: np.ndarray) -> np.ndarray:
    weights = LUMA if levels.shape[2] == 3 else (1 / levels.shape[2],) * levels.shape[2]
    grey: np.ndarray = levels @ np.array(weights, dtype=np.float32)
    return grey


def _scaled(image: np.ndarray, height: int, width: int, box: Sequence[float] | None) -> np.ndarray:
    from PIL import Image

    whole = None if box is None else (box[0], box[1], box[2], box[3])
    if image.shape[2] == 3 and image.dtype == np.uint8:
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, whole))
    planes = [Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(image.shape[2])]
    return np.stack([np.asarray(p.resize((width, height), Image.Resampling.BILINEAR, whole)) for p in planes], axis=2)


def _rows_scaled(rows: np.ndarray, width: int) -> np.ndarray:
    """Examples of one row, one below the other in one picture: its height stays, so no row sees another."""
    from PIL import Image

    count, _, length, channels = rows.shape
    flat = np.ascontiguousarray(rows[:, 0].swapaxes(1, 2)).reshape(count * channels, length)
    if count == 0:
        return np.empty((0, 1, width, channels), dtype=np.float32)
    scaled = np.asarray(Image.fromarray(flat).resize((width, len(flat)), Image.Resampling.BILINEAR))
    return np.ascontiguousarray(scaled.reshape(count, channels, width).swapaxes(1, 2)[:, None])
