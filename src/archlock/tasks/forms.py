"""What the examples of a task are: images, or signals; and the words for them, here and nowhere else.

A signal is held as an image of one row: N x 1 x length x channels. So everything that works on images works on it, and
only what differs asks for the form: how networks are built (kernels and pooling along the one axis there is), how
examples are brought to another size, and how they are spoken of.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Form = Literal["image", "signal"]
EVERY_FORM: Final[tuple[Form, ...]] = get_args(Form)

Shape = tuple[int, int, int]
"""Channels, height, width of an example; the height of a signal is 1, its width is its length."""


@dataclass(frozen=True, slots=True)
class FormWords:
    """How the examples of a form are spoken of."""

    one: str
    an: str
    many: str
    place: str
    """What has a value of its own: a pixel."""
    places: str

    def __str__(self) -> str:
        return self.many

    def said(self, sentence: str) -> str:
        """A sentence about images, said about these; give no text of a user's in it."""
        return re.sub(r"\b(an image|images?|pixels?)\b", lambda found: self._of(found[0]), sentence)

    def size(self, shape: Shape) -> str:
        """``32 x 32`` of images (height x width), ``140 steps`` of signals."""
        _, height, width = shape
        return f"{width:,} steps" if self is FORM_WORDS["signal"] else f"{height} x {width}"

    def _of(self, word: str) -> str:
        said = {"an image": self.an, "image": self.one, "images": self.many, "pixel": self.place}
        return said.get(word, self.places)


FORM_WORDS: Final[Mapping[Form, FormWords]] = {
    "image": FormWords("image", "an image", "images", "pixel", "pixels"),
    "signal": FormWords("signal", "a signal", "signals", "step", "steps"),
}


def reduced_size(form: Form, shape: Shape, side: int) -> Shape:
    """The shape with sides of at most ``side`` pixels; of signals at most as many steps as such an image has pixels."""
    channels, height, width = shape
    return (
        (channels, 1, min(width, side * side)) if form == "signal" else (channels, min(height, side), min(width, side))
    )
