"""How images of any size are brought to the size that a model takes: scaled, stretched, cropped in the middle."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import UInt8

from archlock.errors import ConfigurationError

Resample = Literal["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"]
"""How pixels are computed; the names of Pillow, in the order of its numbers."""

LARGEST_SIDE = 1024


@dataclass(frozen=True, slots=True)
class Framing:
    """The size of a model's images, and the way to it; born valid (else ConfigurationError).

    Without ``edge`` and ``stretched`` the largest centred window of that form is scaled to the size, and an image that
    has the size already is left alone. All but "nearest" antialias.
    """

    height: int
    width: int
    edge: int | None = None
    """Pixels that the shorter side is scaled to before the centre is cut out; too few for the window: not done."""
    stretched: tuple[int, int] | None = None
    """Height and width that the whole image is stretched to, whatever its form, before the centre is cut out."""
    resample: Resample = "bilinear"

    def __post_init__(self) -> None:
        sides = (self.height, self.width, self.edge or 1, *(self.stretched or (1,)))
        if not all(1 <= side <= LARGEST_SIDE for side in sides):
            raise ConfigurationError(
                f"image size {self.height} x {self.width} is not possible; expected a side of 1 to {LARGEST_SIDE} "
                "pixels"
            )

    @classmethod
    def of(cls, image_size: "int | Framing | None") -> "Framing | None":
        """A framing as it is, a side as that of a square."""
        if image_size is None or isinstance(image_size, Framing):
            return image_size
        if not 1 <= image_size <= LARGEST_SIDE:
            raise ConfigurationError(
                f"image size {image_size} is not possible; expected a side of 1 to {LARGEST_SIDE} pixels"
            )
        return cls(image_size, image_size)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def looked_at(self) -> int:
        """Pixels of the larger side of what is scaled, at least: more is needed of no file."""
        return max(*self.size, self.edge or 0, *(self.stretched or (0,)))

    def applied(self, image: Any) -> Any:
        """A Pillow image, brought to the size."""
        from PIL import Image

        way = Image.Resampling(get_args(Resample).index(self.resample))
        if self.stretched is not None:
            return _centre(image.resize(self.stretched[::-1], way), self.height, self.width)
        width, height = image.size
        short, long = sorted((width, height))
        if self.edge is not None and self._is_covered(height, width):
            longer = max(1, int(self.edge * long / short))
            scaled = (self.edge, longer) if width <= height else (longer, self.edge)
            return _centre(image.resize(scaled, way), self.height, self.width)
        if (height, width) == self.size:
            return image
        window = (
            min(height, round(width * self.height / self.width)),
            min(width, round(height * self.width / self.height)),
        )
        return _centre(image, max(1, window[0]), max(1, window[1])).resize((self.width, self.height), way)

    def _is_covered(self, height: int, width: int) -> bool:
        """Whether an image whose shorter side is scaled to the edge is at least as large as the window."""
        assert self.edge is not None
        short = min(height, width)
        return self.edge * height // short >= self.height and self.edge * width // short >= self.width


def framed(
    images: UInt8[np.ndarray, "examples height width channels"], framing: Framing
) -> UInt8[np.ndarray, "examples new_height new_width channels"]:
    """Images of any number of channels, brought to the size."""
    from PIL import Image

    out = np.empty((len(images), *framing.size, images.shape[3]), dtype=np.uint8)
    for row, image in enumerate(images):
        if image.shape[2] == 3:
            out[row] = np.asarray(framing.applied(Image.fromarray(image)))
            continue
        for channel in range(image.shape[2]):
            plane = Image.fromarray(np.ascontiguousarray(image[..., channel]))
            out[row, ..., channel] = np.asarray(framing.applied(plane))
    return out


def _centre(image: Any, height: int, width: int) -> Any:
    left, top = (image.size[0] - width) // 2, (image.size[1] - height) // 2
    return image.crop((left, top, left + width, top + height))
