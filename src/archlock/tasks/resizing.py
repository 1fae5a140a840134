"""Scale many images at once, bilinear with antialiasing (Pillow), for any number of channels."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8


def resized(
    images: UInt8[np.ndarray, "examples height width channels"],
    height: int,
    width: int,
    *,
    boxes: Float[np.ndarray, "examples 4"] | None = None,
) -> UInt8[np.ndarray, "examples new_height new_width channels"]:
    """Images of the given size; with ``boxes`` (left, top, right, bottom in pixels) only that part of each image."""
    if images.shape[1:3] == (height, width) and boxes is None:
        return images
    out = np.empty((len(images), height, width, images.shape[3]), dtype=np.uint8)
    for row, image in enumerate(images):
        out[row] = _scaled(image, height, width, None if boxes is None else boxes[row].tolist())
    return out


def _scaled(image: np.ndarray, height: int, width: int, box: Sequence[float] | None) -> np.ndarray:
    from PIL import Image

    whole = None if box is None else (box[0], box[1], box[2], box[3])
    if image.shape[2] == 3:
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR, whole))
    planes = [Image.fromarray(np.ascontiguousarray(image[..., c])) for c in range(image.shape[2])]
    return np.stack([np.asarray(p.resize((width, height), Image.Resampling.BILINEAR, whole)) for p in planes], axis=2)
