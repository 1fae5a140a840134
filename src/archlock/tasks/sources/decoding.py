"""Foreign image bytes to pixels, safely: a short list of formats, a limit on size, and one kind of complaint.

Everything becomes 8-bit grey or RGB: palettes are looked up, CMYK and the like converted, 16-bit levels scaled, and
what is transparent shows white paper. The EXIF orientation is applied. Of several images in a file the first is taken.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8

from archlock.tasks.framing import Framing
from archlock.tasks.sources.depth import Depth, Scale
from archlock.tasks.sources.passed_over import format_of

FORMATS: Final = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
EXTENSIONS: Final = frozenset(
    (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
)
"""Names of image files end in one of these, in small or capital letters."""

DEEP_COLOURS: Final = ("RGB", "RGBA", "LA")
"""Modes of Pillow for files of which it may have dropped the lower 8 bits of 16."""

PAGED: Final = ("TIFF", "GIF")
"""Formats whose files often hold a stack or a film."""

MAX_PIXELS: Final = 2**26
"""Largest image that is decoded (67 million pixels); a small file can claim to be any size."""


class UnreadableError(Exception):
    """These bytes are no image that can be used; the message says why. Sources make a TaskError with a name of it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of its image before that is decoded."""

    smaller_side: int
    """Pixels."""
    depth: Depth | None
    """The levels, if they have more than 8 bits (these are decoded)."""
    images: int = 1
    """Images (frames, pages) in the file."""


def decode(
    source: bytes | Path, *, framing: Framing | None = None, scale: Scale | None = None
) -> UInt8[np.ndarray, "height width channels"]:
    """Pixels of an image file: one channel if it is grey, else three; UnreadableError if it is not a usable image.

    With ``framing`` the image is brought to the size of that. ``scale`` is that of levels of more than 8 bits; without
    it they are taken for 16 bits.
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
            plain = _to_grey_or_rgb(turned, scale or Scale())
            if framing is not None:
                plain = framing.applied(plain)
            pixels = np.asarray(plain)
    except UnreadableError:
        raise
    except Exception as error:  # decoders raise a dozen types on damaged bytes
        raise _why(error, source) from error
    return pixels[..., None] if pixels.ndim == 2 else _grey_if_equal(pixels)


def header_of(source: bytes | Path) -> Header:
    """What an image file says of itself; UnreadableError as for :func:`decode`."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
            _check_size(image.size)
            side, images = min(image.size), getattr(image, "n_frames", 1) if image.format in PAGED else 1
            return Header(side, _depth(image), images)
    except UnreadableError:
        raise
    except Exception as error:  # as above
        raise _why(error, source) from error


def _depth(image: Any) -> Depth | None:
    if image.mode.startswith("I"):
        levels = np.asarray(image)
        _check_levels(levels)
        return Depth.of(levels)
    if image.mode in DEEP_COLOURS and any(";16" in str(tile[3]) for tile in image.tile):
        return Depth.of(np.asarray(image.convert("RGB")), coloured=True)
    return None


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


def _to_grey_or_rgb(image: Any, scale: Scale) -> Any:
    from PIL import Image

    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith("I"):
        levels = np.asarray(image)
        _check_levels(levels)
        return Image.fromarray(scale.applied(levels))
    if image.mode == "F":
        raise UnreadableError("has floating-point levels; convert it to 8 bits")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        solid = image.convert("RGBA")
        paper = Image.new("RGBA", solid.size, (255, 255, 255, 255))
        return Image.alpha_composite(paper, solid).convert("RGB")
    return image.convert("RGB")


def _check_levels(levels: np.ndarray) -> None:
    if levels.min() < 0 or levels.max() > 65535:
        raise UnreadableError(
            f"has levels from {levels.min()} to {levels.max()}; expected 8 or 16 bits (0 to 65535): convert the "
            "images, all by the same scale"
        )


def _grey_if_equal(pixels: np.ndarray) -> UInt8[np.ndarray, "height width channels"]:
    grey = np.array_equal(pixels[..., 0], pixels[..., 1]) and np.array_equal(pixels[..., 0], pixels[..., 2])
    return pixels[..., :1] if grey else pixels


def _why(error: Exception, source: bytes | Path) -> UnreadableError:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return UnreadableError(f"is refused as a decompression bomb ({error}); scale the image down")
    if isinstance(error, UnidentifiedImageError):
        begins = format_of(source)
        instead = f", but begins as {begins} does: convert it" if begins else ""
        return UnreadableError(f"is not an image in a known format ({', '.join(FORMATS)}){instead}")
    return UnreadableError(f"cannot be read as an image ({str(error) or type(error).__name__})")
