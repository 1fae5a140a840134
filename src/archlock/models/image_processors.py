"""Image processors of ``transformers``, made from a folder's settings and asked what they do to images.

What a processor does is seen from what it answers: single colours tell how channels are ordered, scaled and normalised,
pictures tell how they are brought to a size. So a step that nobody knew of here is noticed, whatever it is called.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, UInt8

from archlock.errors import UnsupportedError

_NO_SETTINGS: Final = ("image_processor_type", "feature_extractor_type", "processor_class", "auto_map")
_DIGITS: Final = 6
_CROOKED: Final = 1e-3
"""How far an answer may be off a straight line through those to black and full colour, in units of the line."""


@dataclass(frozen=True, slots=True)
class Colours:
    """What is done to the values of a pixel: output ``c`` is (input ``order[c]`` - ``mean[c]``) / ``std[c]``."""

    order: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """Of values in [0, 1]."""


class Processor:
    """One image processor; takes uint8 images, height x width x channels."""

    def __init__(self, theirs: Any, name: str) -> None:
        self._theirs, self.name = theirs, name

    @property
    def settings(self) -> dict[str, Any]:
        """All of its settings, defaults included."""
        found: dict[str, Any] = self._theirs.to_dict()
        return found

    def __call__(self, image: UInt8[np.ndarray, "h w c"]) -> Float[np.ndarray, "c h2 w2"]:
        """What a model is given of an image. Anything but an image: UnsupportedError; else what the library raises."""
        with quiet():
            answer = self._theirs([image], return_tensors="np", input_data_format="channels_last")
        pixels = np.asarray(answer["pixel_values"][0], dtype=np.float64) if "pixel_values" in answer else np.empty(0)
        if pixels.ndim != 3:
            raise _beyond(self, "it makes patches or tokens, not an image")
        return pixels


def processor_name(settings: Mapping[str, Any], model_type: str | None) -> tuple[str, bool]:
    """Name of the processor that settings are of, and whether they say so themselves; else by the model's type.

    Empty where neither says.
    """
    said = settings.get("image_processor_type") or settings.get("feature_extractor_type")
    if said:
        return _base_name(str(said)), True
    from transformers.models.auto import image_processing_auto

    names: Any = image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES.get(model_type or "", ())
    known = [name for name in (names.values() if isinstance(names, Mapping) else names) if isinstance(name, str)]
    return (_base_name(known[0]) if known else ""), False


def open_processor(name: str, settings: Mapping[str, Any], side: Any = None) -> Processor | None:
    """The processor of that name with those settings, as it runs without torchvision; None if there is none here.

    ``side`` is the size of the model's images where the settings name none: height and width.
    """
    import transformers

    with quiet():
        kind = getattr(transformers, f"{name}Pil", None) or getattr(transformers, name, None)
        if kind is None:
            return None
        given = {key: value for key, value in settings.items() if key not in _NO_SETTINGS}
        try:
            if side is not None and "size" not in given and "crop_size" not in given:
                given |= _sized(kind.from_dict({}).to_dict(), *side)
            return Processor(kind.from_dict(given), name)
        except Exception:  # the library raises nearly anything, an absent torchvision included
            return None


def colours_of(processor: Processor, channels: int, side: int) -> Colours:
    """What a processor does to colours. More than to order, shift and scale channels: UnsupportedError."""
    black, full = _middle(processor, side, (0,) * channels), []
    for channel in range(channels):
        colour = [0] * channels
        colour[channel] = 255
        full.append(_middle(processor, side, tuple(colour)) - black)
    gains = np.stack(full, axis=1)
    if gains.shape != (channels, channels):
        raise _beyond(processor, f"it makes {len(gains)} channels of {channels}")
    order = np.abs(gains).argmax(axis=1)
    slopes = gains[np.arange(channels), order]
    rest = gains.copy()
    rest[np.arange(channels), order] = 0
    if len(set(order.tolist())) < channels or not (np.abs(rest).max(initial=0) <= _CROOKED * np.abs(slopes).min()):
        raise _beyond(processor, "it mixes the channels")
    between = tuple(range(60, 60 + 37 * channels, 37))
    straight = black + slopes * np.array(between)[order] / 255
    if not (np.abs(_middle(processor, side, between) - straight) <= _CROOKED * np.abs(slopes)).all():
        raise _beyond(processor, "what it does to values is more than to shift and scale them")
    mean, std = -black / slopes, 1 / slopes
    return Colours(tuple(map(int, order)), _rounded(mean), _rounded(std))


def _middle(processor: Processor, side: int, colour: tuple[int, ...]) -> np.ndarray:
    """The answer in the middle of an image of one colour, where no border that was added reaches."""
    answer = processor(np.full((side, side, len(colour)), colour, dtype=np.uint8))
    return np.asarray(answer[:, answer.shape[1] // 2, answer.shape[2] // 2])


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    """Without what single precision adds: the same on every machine."""
    return tuple(float(f"{value:.{_DIGITS}g}") + 0.0 for value in values)


def _sized(settings: Mapping[str, Any], height: int, width: int) -> dict[str, Any]:
    """A size in the form that a processor's own has, and of its crop where it crops."""
    own = settings.get("size")
    edge = isinstance(own, Mapping) and "shortest_edge" in own and height == width
    both = {"height": height, "width": width}
    return {"size": {"shortest_edge": height} if edge else both} | (
        {"crop_size": both} if settings.get("do_center_crop") else {}
    )


def _base_name(name: str) -> str:
    """The one name of a processor and of its variants, of other backends and of earlier years."""
    base = name.removesuffix("Pil").removesuffix("Fast")
    return f"{base.removesuffix('FeatureExtractor')}ImageProcessor" if base.endswith("FeatureExtractor") else base


def _beyond(processor: Processor, reason: str) -> UnsupportedError:
    return UnsupportedError(
        f"images are prepared by {processor.name} in a way that ArchLock does not know ({reason}); wrap the model in a "
        "module that takes images in [0, 1] and does it itself"
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, transformers shows no progress bars, and no remarks on what is not installed."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
