"""How dark and how bright images of more than 8 bits are: one scale for a whole data set, from all of its files.

A file says that it has 16 or 32 bits a level and not how many of them are used: 12 in a scanner's 16-bit PNG, 8 in a
32-bit TIFF. So the levels of all files together decide what is black and what is white, for every split alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from archlock.errors import TaskError
from archlock.tasks.wording import several

LEAST_USED = 0.25
"""Share of the levels up to white that images spread over; those that do not are stretched to black and white."""

USUAL_SHARE, USUAL_BITS = 0.999, 2
"""Share of a file's pixels that make its usual levels, and the bits by which the brightest of the others in all files
must exceed these to be left out of the scale (a burnt-in letter, a broken pixel)."""

LEAST_COLOUR = 64
"""Largest level of 255, at least, of colour files of 16 bits (of which Pillow keeps the upper 8)."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Levels of one file of more than 8 bits."""

    lowest: int
    highest: int
    usual: int
    """Highest of the usual levels: so many of the pixels (USUAL_SHARE) are no brighter."""
    coloured: bool = False
    """Whether it has colours: then the levels are 8 bits already, the upper ones of 16."""

    @classmethod
    def of(cls, levels: np.ndarray, *, coloured: bool = False) -> "Depth":
        """The depth of an image."""
        usual = int(np.quantile(levels, USUAL_SHARE, method="lower"))
        return cls(int(levels.min()), int(levels.max()), usual, coloured)


@dataclass(frozen=True, slots=True)
class Scale:
    """Which level is black and which white."""

    black: int = 0
    white: int = 65535

    def applied(self, levels: np.ndarray) -> UInt8[np.ndarray, "height width"]:
        """Levels of 8 bits, rounded; what is below black is black, and what is above white is white."""
        width = self.white - self.black
        scaled = ((levels.astype(np.int64) - self.black) * 255 + width // 2) // width
        return scaled.clip(0, 255).astype(np.uint8)


def scale_of(depths: Iterable[Depth], where: str) -> tuple[Scale, str]:
    """The scale of a data set by all of its files of more than 8 bits, and a remark on it ("" for 16 bits in use).

    White is the largest number of as many bits as the largest level needs (at least 8), but for a few pixels that are
    far brighter than all others; where images spread over less
    than LEAST_USED of that, their own lowest and highest levels are black and white. TaskError for colours that
    would be nearly black.
    """
    found = list(depths)
    coloured, grey = [one for one in found if one.coloured], [one for one in found if not one.coloured]
    brightest = max((one.highest for one in coloured), default=255)
    if brightest < LEAST_COLOUR:
        files = several(len(coloured), "colour file has", "colour files have")
        raise TaskError(
            f"{where}: {files} 16 bits a level, but none is brighter than {256 * brightest + 255:,} of 65,535: as 8 "
            "bits all would be nearly black; convert them to 8 bits, all by the same scale"
        )
    if not grey:
        return Scale(), ""
    low, high = min(one.lowest for one in grey), max(one.highest for one in grey)
    files = several(len(grey), "file has", "files have")
    files = f"{files} more than 8 bits a level, with levels from {low:,} to {high:,}"
    usual = max(one.usual for one in grey)
    if usual.bit_length() + USUAL_BITS <= high.bit_length() and high > 255:
        files, high = f"{files}, but hardly a pixel is above {usual:,}", usual
    bits = max(8, high.bit_length())
    white = 2**bits - 1
    if low < high and high - low < LEAST_USED * white:
        return Scale(low, high), f"{files}: these two are taken for black and white"
    return Scale(0, white), "" if bits == 16 else f"{files}: {white:,} ({bits} bits) is taken for white"
