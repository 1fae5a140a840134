"""Image classifiers in Hugging Face's layout: ``config.json``, ``model.safetensors``, ``preprocessor_config.json``.

Only what is on this machine is read, weights only as safetensors, and no code that comes with a model is run. The model
is wrapped so that it takes what ours take, float32 images in [0, 1], and answers logits alone. Not here: probes, which
may be downloaded (``probes``).
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, get_args

from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.models.network import Normalise
from archlock.tasks import Framing, Resample

PREFIX: Final = "hf:"
WHOLE: Final = 384
"""From this side on the processors of ConvNeXt stretch the whole image."""
_INSTALL: Final = 'pip install "archlock[huggingface]"'


class HuggingFaceClassifier(nn.Module):
    """A ``transformers`` image classifier as a plain module: images in [0, 1] in, logits out; normalises by itself."""

    def __init__(
        self, body: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], framing: Framing | None = None
    ) -> None:
        super().__init__()
        self.framing = framing
        """How images are brought to the size that it takes; None where nothing is said."""
        self.normalise = Normalise(mean, std)
        self.body = body

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        """Logits."""
        logits: Tensor = self.body(self.normalise(images)).logits
        return logits

    def reset_parameters(self) -> None:
        """Draw the weights as the library draws those of a new model; a head that was replaced draws itself.

        Class tokens and position embeddings are bare parameters, which only the library knows how to draw.
        """
        fresh = type(self.body)(self.body.config).state_dict()
        state = self.body.state_dict()
        known = {
            name: fresh[name] for name, value in state.items() if name in fresh and fresh[name].shape == value.shape
        }
        self.body.load_state_dict({**state, **known})


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What a folder says of the images its model takes; ``mean`` and ``std`` are for images in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    framing: Framing | None
    """How images of any size are brought to its own; None where no size is said."""

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width; None where nothing is said."""
        return None if self.framing is None else self.framing.size


def open_classifier(folder: str) -> tuple[HuggingFaceClassifier, tuple[int, int, int] | None]:
    """The classifier of a folder (or, as ``hf:owner/name``, of the local cache) and the shape of its images.

    In evaluation mode and float32. Without transformers: ConfigurationError. What is no whole image classifier in
    safetensors: RunError.
    """
    name = folder.removeprefix(PREFIX)
    try:
        from transformers import AutoModelForImageClassification
        from transformers.image_processing_base import ImageProcessingMixin
    except ImportError:
        raise ConfigurationError(f"{folder} needs the transformers library: {_INSTALL}") from None
    where = "; it must be in the local cache, nothing is downloaded" if folder.startswith(PREFIX) else ""
    try:
        with _no_bars():
            body, report = AutoModelForImageClassification.from_pretrained(
                name, local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
            )
    except Exception as error:  # the library raises nearly anything on foreign or damaged files
        raise RunError(
            f"{folder} cannot be read as an image classifier in safetensors ({_first_line(error)}){where}"
        ) from error
    lacking = sorted(map(str, report["missing_keys"]))
    if lacking:
        raise RunError(
            f"{folder} lacks {len(lacking)} weights of its {type(body).__name__}, such as {', '.join(lacking[:3])}; "
            "give a folder of a trained classifier, head included"
        )
    try:
        settings, _ = ImageProcessingMixin.get_image_processor_dict(name, local_files_only=True)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder} has no preprocessor_config.json, so how its images are normalised is not known; save the image "
            "processor there (processor.save_pretrained(folder))"
        ) from error
    channels = int(getattr(body.config, "num_channels", None) or 3)
    read = preprocessing(settings, channels, image_size=getattr(body.config, "image_size", None), name=folder)
    shape = None if read.size is None else (channels, *read.size)
    return HuggingFaceClassifier(body.float(), read.mean, read.std, read.framing).eval(), shape


def preprocessing(
    settings: Mapping[str, Any], channels: int, *, image_size: Any = None, name: str = "the folder"
) -> Preprocessing:
    """What ``preprocessor_config.json`` says, for images in [0, 1].

    ``image_size`` of ``config.json`` stands in for a size that is not given. ``rescale_factor`` is applied to values of
    0 to 255 there, so mean and deviation are divided by 255 times it. Steps that this does not know raise
    UnsupportedError.
    """
    if settings.get("rescale_offset"):
        raise UnsupportedError(f"{name}: images with rescale_offset are not supported; wrap the model yourself")
    mean = settings.get("image_mean", 0.5) if settings.get("do_normalize", True) else 0.0
    std = settings.get("image_std", 0.5) if settings.get("do_normalize", True) else 1.0
    means, stds = _per_channel(mean, channels, name), _per_channel(std, channels, name)
    if settings.get("include_top"):  # (EfficientNet divides by the deviation twice)
        stds = tuple(value**2 for value in stds)
    factor = float(settings.get("rescale_factor", 1 / 255)) if settings.get("do_rescale", True) else 1.0
    scale = 255 * factor
    if not all(value > 0 and math.isfinite(value) for value in (*stds, scale)):
        raise RunError(f"{name}: image_std and rescale_factor must be positive; got {std} and {factor}")
    framing = _framing(settings, image_size)
    return Preprocessing(tuple(m / scale for m in means), tuple(s / scale for s in stds), framing)


def _per_channel(value: Any, channels: int, name: str) -> tuple[float, ...]:
    found = tuple(map(float, value)) if isinstance(value, list | tuple) else (float(value),) * channels
    if len(found) != channels:
        raise RunError(f"{name}: the model takes {channels} channels, its preprocessor_config.json has {len(found)}")
    return found


def _framing(settings: Mapping[str, Any], image_size: Any) -> Framing | None:
    """What is done to images of any size: scaled by the shorter edge or stretched, then the centre cut out."""
    cropped = settings.get("do_center_crop", "crop_size" in settings)
    size, crop = settings.get("size"), settings.get("crop_size") if cropped else None
    final = _size(crop or size or image_size)
    if final is None:
        return None
    code, ways = settings.get("resample"), get_args(Resample)
    way: Resample = ways[code] if isinstance(code, int) and code in range(len(ways)) else "bilinear"
    edge = size.get("shortest_edge") if isinstance(size, Mapping) else size if crop and isinstance(size, int) else None
    stretched = None if edge else _size(size)
    share = settings.get("crop_pct")
    if edge and share and not crop:  # (ConvNeXt: a window of that share, and large images as a whole)
        edge, stretched = (int(edge / share), None) if edge < WHOLE else (None, final)
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


@contextmanager
def _no_bars() -> Iterator[None]:
    """Inside, transformers shows no progress bars of its own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
