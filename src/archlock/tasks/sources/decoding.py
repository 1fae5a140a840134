"""Foreign image bytes to pixels, safely: a short list of formats, a limit on size, and one kind of complaint.

Everything becomes 8-bit grey or RGB: palettes are looked up, CMYK and the like converted, 16-bit levels scaled, and
what is transparent shows white paper. The EXIF orientation is applied.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8

from archlock.tasks.framing import Framing

FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
EXTENSIONS: Final = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
)
"""Names of image files end in one of these, in small or capital letters."""

MAX_PIXELS: Final = 2**26
"""Largest image that is decoded (67 million pixels); a small file can claim to be any size."""


class UnreadableError(Exception):
    """These bytes are no image that can be used; the message says why. Sources make a TaskError with a name of it."""


def decode(source: bytes | Path, *, framing: Framing | None = None) -> UInt8[np.ndarray, "height width channels"]:
    """Pixels of an image file: one channel if it is grey, else three; UnreadableError if it is not a usable image.

    With ``framing`` the image is brought to the size of that.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            _check_size(image.size)
            if framing is not None:
                image.draft(
                    image.mode, (2 * framing.looked_at, 2 * framing.looked_at)
                )  # a JPEG is decoded at the scale that is needed
            image.load()
            turned = ImageOps.exif_transpose(image)
            plain = _to_grey_or_rgb(turned)
            if framing is not None:
                plain = framing.applied(plain)
            pixels = np.asarray(plain)
    except UnreadableError:
        raise
    except Exception as error:  # decoders raise a dozen types on damaged bytes
        raise _why(error) from error
    return pixels[..., None] if pixels.ndim == 2 else _grey_if_equal(pixels)


def smaller_side(source: bytes | Path) -> int:
    """Smaller side of an image file in pixels, from its header alone; UnreadableError as for :func:`decode`."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            size = image.size
    except Exception as error:  # as above
        raise _why(error) from error
    _check_size(size)
    return min(size)


def stacked(images: Sequence[UInt8[np.ndarray, "h w _"]]) -> UInt8[np.ndarray, "examples h w channels"]:
    """Images of one size as one array: one channel if all are grey, else grey ones are repeated to three."""
    channels = max(image.shape[2] for image in images)
    return np.stack([image if image.shape[2] == channels else np.repeat(image, channels, axis=2) for image in images])


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise UnreadableError(
            f"is {width} x {height} pixels, more than the {MAX_PIXELS:,} that are accepted; scale the image down"
        )


def _to_grey_or_rgb(image: Any) -> Any:
    from PIL import Image

    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith("I"):
        return Image.fromarray(_eight_bit(np.asarray(image)))
    if image.mode == "F":
        raise UnreadableError("has floating-point levels; convert it to 8 bits")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        solid = image.convert("RGBA")
        paper = Image.new("RGBA", solid.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, solid).convert("RGB")
    return image.convert("RGB")


def _eight_bit(levels: np.ndarray) -> UInt8[np.ndarray, "height width"]:
    if levels.min() < 0 or levels.max() > 65535:
        raise UnreadableError(f"has levels from {levels.min()} to {levels.max()}; expected 8 or 16 bits")
    return ((levels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _grey_if_equal(pixels: np.ndarray) -> UInt8[np.ndarray, "height width channels"]:
    grey = np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2])
    return pixels[..., :1] if grey else pixels


def _why(error: Exception) -> UnreadableError:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return UnreadableError(f"is refused as a decompression bomb ({error}); scale the image down")
    if isinstance(error, UnidentifiedImageError):
        return UnreadableError(f"is not an image in a known format ({', '.join(FORMATS)})")
    return UnreadableError(f"cannot be read as an image ({str(error) or type(error).__name__})")
