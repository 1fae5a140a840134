"""What ``preprocessor_config.json`` asks to be done to images before a model is given them.

The settings are read here, and held against the processor of ``transformers`` that they are of: only what it does is
taken. A step that is not understood is refused by its name, and nothing is made up where nothing is said.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import numpy as np

from archlock.errors import RunError, UnsupportedError
from archlock.models.image_processors import (
    Colours,
    Processor,
    colours_of,
    open_processor,
    processor_name,
)
from archlock.tasks import Framing, Resample

WHOLE: Final = 384
"""From this side on the processors of ConvNeXt stretch the whole image."""
_STEPS: Final = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_flip_channel_order")
_OF_NO_EFFECT: Final = ("do_convert_rgb", "do_reduce_labels")
"""On colour images and on classes: these are for grey ones and for maps of labels."""
_LEVELS: Final = 2.0
"""How far pixels, of 256 levels, may be from the processor's on average: what rounding explains."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What a folder says of the images its model takes; ``mean`` and ``std`` are for images in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    framing: Framing | None
    """How images of any size are brought to its own; None where no size is said."""
    order: tuple[int, ...] | None = None
    """Which channel of an image each channel of the model is; None: they are the same."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width; None where nothing is said."""
        return None if self.framing is None else self.framing.size


def preprocessing(
    settings: Mapping[str, Any],
    channels: int,
    *,
    image_size: Any = None,
    model_type: str | None = None,
    name: str = "the folder",
) -> Preprocessing:
    """What ``preprocessor_config.json`` says, for images in [0, 1].

    What is not said there is what the processor does that it names, or that ``transformers`` takes for the
    ``model_type``; ``image_size`` of ``config.json`` stands in for a size that is not given. Steps that this does not
    know, and pixels other than the processor's, raise UnsupportedError; settings without a processor that leave out how
    images are normalised RunError.
    """
    own, said = processor_name(settings, model_type)
    processor = open_processor(own, settings, _size(image_size)) if own else None
    if said and processor is None and not _is_known(own):
        raise UnsupportedError(
            f"{name}: images are prepared by {own}, which the transformers library here does not have; wrap the model "
            "in a module that takes images in [0, 1] and does it itself"
        )
    merged = {**settings, **(processor.settings if processor else {})}
    _refuse_unknown_steps(merged, name)
    if processor is not None:
        try:
            return _as_the_processor(processor, _framing(merged, image_size, own), channels, name)
        except (UnsupportedError, RunError):
            raise
        except Exception as error:  # the library raises nearly anything on settings that do not fit each other
            if said and (channels == 3 or _unsaid(settings)):
                raise RunError(
                    f"{name}: its {own} fails on an image ({_first_line(error)}); correct preprocessor_config.json"
                ) from error
    return _as_it_says(settings, channels, image_size, name)


def _is_known(own: str) -> bool:
    import transformers

    return hasattr(transformers, own)


def timm_preprocessing(config: Mapping[str, Any], channels: int, *, name: str) -> Preprocessing:
    """What ``pretrained_cfg`` of a ``timm`` model says: mean, deviation, size, share and way of the crop."""
    mean, std, shape = config.get("mean"), config.get("std"), config.get("input_size")
    if not mean or not std or not shape:
        raise RunError(f"{name}: its pretrained_cfg does not say mean, std and input_size, so they are not known")
    height, width = int(shape[-2]), int(shape[-1])
    share, mode = float(config.get("crop_pct") or 0.875), config.get("crop_mode") or "center"
    asked = config.get("interpolation") or "bicubic"
    way: Resample | None = next((one for one in get_args(Resample) if one == asked), None)
    if mode not in ("center", "squash") or way is None:
        raise UnsupportedError(f"{name}: crop_mode {mode!r} with interpolation {asked!r} is not known; wrap the model")
    if mode == "squash":
        scaled = (math.floor(height / share), math.floor(width / share))
        framing = Framing(height, width, stretched=scaled, resample=way)
    elif height == width:
        framing = Framing(height, width, edge=math.floor(height / share), resample=way)
    else:
        raise UnsupportedError(f"{name}: a centre crop of {height} x {width} is not known; wrap the model yourself")
    return Preprocessing(_per_channel(mean, channels, name), _per_channel(std, channels, name), framing)


def _refuse_unknown_steps(settings: Mapping[str, Any], name: str) -> None:
    known = (*_STEPS, *_OF_NO_EFFECT)
    unknown = sorted(key for key, value in settings.items() if key.startswith("do_") and value and key not in known)
    if unknown:
        raise UnsupportedError(
            f"{name}: preprocessor_config.json asks for {', '.join(unknown)}, which ArchLock does not know how to do; "
            "wrap the model in a module that takes images in [0, 1] and does it itself"
        )
    size = settings.get("size")
    if isinstance(size, Mapping) and any(size.get(key) for key in ("longest_edge", "max_height", "max_width")):
        raise UnsupportedError(f"{name}: images of size {dict(size)} differ in form; wrap the model yourself")


def _as_the_processor(processor: Processor, framing: Framing | None, channels: int, name: str) -> Preprocessing:
    """What the processor does to colours, with a framing that makes the pixels that it makes."""
    side = 64 if framing is None else max(framing.size)
    colours = colours_of(processor, channels, side)
    if not all(value > 0 and math.isfinite(value) for value in colours.std):
        raise RunError(f"{name}: image_std and rescale_factor must be positive; {processor.name} divides by {colours}")
    if framing is not None:
        _check_pixels(processor, framing, colours, name)
    order = None if colours.order == tuple(range(channels)) else colours.order
    return Preprocessing(colours.mean, colours.std, framing, order)


def _check_pixels(processor: Processor, framing: Framing, colours: Colours, name: str) -> None:
    """Pictures of several forms must come out as from the processor; UnsupportedError if they do not."""
    height, width = framing.size
    large = 3 * max(height, width) // 2 + 1
    shapes = ((height, width), (large, large), (large, 2 * large), (2 * large - 1, large))
    compared = 0
    for shape in shapes:
        picture = _picture(*shape, len(colours.order))
        theirs = processor(picture)
        if theirs.shape[1:] != framing.size:
            continue
        ours = _framed(picture, framing)[list(colours.order)] / 255
        normed = np.stack([(o - m) / s for o, m, s in zip(ours, colours.mean, colours.std, strict=True)])
        levels = np.abs(normed - theirs) * np.array(colours.std)[:, None, None] * 255
        if levels.mean() > _LEVELS:
            raise UnsupportedError(
                f"{name}: {processor.name} brings images of {shape[0]} x {shape[1]} to {height} x {width} in a way "
                f"that ArchLock does not know (pixels differ by {levels.mean():.0f} of 256 levels); wrap the model"
            )
        compared += 1
    if not compared:
        raise UnsupportedError(
            f"{name}: {processor.name} brings images to other sizes than {height} x {width}, in a way that ArchLock "
            "does not know; wrap the model yourself"
        )


def _framed(picture: np.ndarray, framing: Framing) -> np.ndarray:
    """Every channel of a picture as the framing has it, channels first."""
    from PIL import Image

    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in picture.transpose(2, 0, 1)]
    return np.stack([np.asarray(framing.applied(plane)) for plane in planes])


def _picture(height: int, width: int, channels: int) -> np.ndarray:
    """A picture whose colours change slowly, differently along both sides and in every channel."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(y / (5 + c) + c) + np.cos(x / (7 + c)) + (y - x) / (height + width) for c in range(channels)]
    return (127 + 40 * np.stack(waves, axis=2)).astype(np.uint8)


def _as_it_says(settings: Mapping[str, Any], channels: int, image_size: Any, name: str) -> Preprocessing:
    """By the settings alone, where there is no processor to ask.

    ``rescale_factor`` is applied to values of 0 to 255 there, so mean and deviation are divided by 255 times it.
    """
    if settings.get("rescale_offset") or settings.get("offset"):
        raise UnsupportedError(f"{name}: images with rescale_offset are not supported; wrap the model yourself")
    if settings.get("do_flip_channel_order") and channels != 3:
        raise UnsupportedError(f"{name}: do_flip_channel_order is for 3 channels, the model takes {channels}")
    unsaid = _unsaid(settings)
    if unsaid:
        raise RunError(
            f"{name}: preprocessor_config.json names no image processor that can be asked, and does not say "
            f"{' and '.join(unsaid)}, so how images are normalised is not known; add image_processor_type, or "
            "image_mean and image_std"
        )
    normalised = settings.get("do_normalize", True)
    mean, std = (settings["image_mean"], settings["image_std"]) if normalised else (0.0, 1.0)
    means, stds = _per_channel(mean, channels, name), _per_channel(std, channels, name)
    if settings.get("include_top"):  # (EfficientNet divides by the deviation twice)
        stds = tuple(value**2 for value in stds)
    factor = float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0
    scale = 255 * factor
    if not all(value > 0 and math.isfinite(value) for value in (*stds, scale)):
        raise RunError(f"{name}: image_std and rescale_factor must be positive; got {std} and {factor}")
    order = (2, 1, 0) if settings.get("do_flip_channel_order") else None
    framing = _framing(settings, image_size)
    return Preprocessing(tuple(m / scale for m in means), tuple(s / scale for s in stds), framing, order)


def _unsaid(settings: Mapping[str, Any]) -> list[str]:
    """What must be known to normalise and is not there."""
    normalised = settings.get("do_normalize", True)
    return [key for key in ("image_mean", "image_std") if normalised and settings.get(key) is None]


def _per_channel(value: Any, channels: int, name: str) -> tuple[float, ...]:
    found = tuple(map(float, value)) if isinstance(value, list | tuple) else (float(value),) * channels
    if len(found) != channels:
        raise RunError(f"{name}: the model takes {channels} channels, its preprocessor_config.json has {len(found)}")
    return found


def _framing(settings: Mapping[str, Any], image_size: Any, own: str | None = None) -> Framing | None:
    """What is done to images of any size: scaled by the shorter edge or stretched, then the centre cut out.

    ``own`` is the processor whose full settings these are; None: what the folder says is all there is.
    """
    cropped = settings.get("do_center_crop", own is None and "crop_size" in settings)
    size, crop = settings.get("size"), settings.get("crop_size") if cropped else None
    final = _size(crop or size or image_size)
    if final is None:
        return None
    code, ways = settings.get("resample"), get_args(Resample)
    way: Resample = ways[code] if isinstance(code, int) and code in range(len(ways)) else "bilinear"
    edge = size.get("shortest_edge") if isinstance(size, Mapping) else size if crop and isinstance(size, int) else None
    stretched = None if edge else _size(size)
    share = settings.get("crop_pct")
    if edge and share and crop:  # (PoolFormer)
        edge = int(edge / share)
    elif edge and share:  # (ConvNeXt: a window of that share, and large images as a whole)
        edge, stretched = (int(edge / share), None) if edge < WHOLE else (None, final)
    elif edge and own == "LevitImageProcessor":
        edge = int(256 / 224 * edge)
    if not settings.get("do_resize", True):
        edge = stretched = None
    return Framing(*final, edge=edge, stretched=stretched, resample=way)


def _size(wanted: Any) -> tuple[int, int] | None:
    if isinstance(wanted, Mapping):
        edge = wanted.get("shortest_edge")
        height, width = wanted.get("height", edge), wanted.get("width", edge)
    elif isinstance(wanted, list | tuple) and len(wanted) == 2:
        height, width = wanted
    else:
        height = width = wanted
    return (int(height), int(width)) if height and width else None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
