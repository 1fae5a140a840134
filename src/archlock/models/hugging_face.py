"""Image classifiers in Hugging Face's layout: ``config.json``, ``model.safetensors``, ``preprocessor_config.json``.

Only what is on this machine is read, weights only as safetensors, and no code that comes with a model is run. The model
is wrapped so that it takes what ours take, float32 images in [0, 1], and answers logits alone. Not here: how
images are prepared (``preprocessing``), and probes, which may be downloaded (``probes``).
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import ConfigurationError, RunError
from archlock.models.image_processors import quiet
from archlock.models.network import Normalise
from archlock.models.preprocessing import Preprocessing, preprocessing, timm_preprocessing

PREFIX: Final = "hf:"
_INSTALL: Final = 'pip install "archlock[huggingface]"'


class HuggingFaceClassifier(nn.Module):
    """A ``transformers`` image classifier as a plain module: images in [0, 1] in, logits out; normalises by itself."""

    def __init__(self, body: nn.Module, wanted: Preprocessing) -> None:
        super().__init__()
        self.framing = wanted.framing
        """How images are brought to the size that it takes; None where nothing is said."""
        self.order = wanted.order
        """Which channel of an image each of its channels is; None: they are the same."""
        self.normalise = Normalise(wanted.mean, wanted.std)
        self.kinds = frozenset(value.dtype for value in body.parameters())
        """Types of its numbers as they came; from here on they are float32."""
        self.body = body.float()

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n outputs"]:
        """Logits."""
        if self.order is not None:
            images = images[:, list(self.order)]
        logits: Tensor = self.body(self.normalise(images)).logits
        return logits

    def reset_parameters(self) -> None:
        """Draw the weights as the library draws those of a new model; a head that was replaced draws itself.

        Class tokens and position embeddings are bare parameters, which only the library knows how to draw.
        """
        fresh = type(self.body)(self.body.config).state_dict()
        state = self.body.state_dict()
        known = {
            name: fresh[name][tuple(map(slice, value.shape))]  # (of a narrower one as much as it has)
            for name, value in state.items()
            if name in fresh and fresh[name].ndim == value.ndim and all(map(int.__le__, value.shape, fresh[name].shape))
        }
        self.body.load_state_dict({**state, **known})


def open_classifier(folder: str) -> tuple[HuggingFaceClassifier, tuple[int, int, int] | None]:
    """The classifier of a folder (or, as ``hf:owner/name``, of the local cache) and the shape of its images.

    In evaluation mode and float32. Without transformers: ConfigurationError. What is no whole image classifier in
    safetensors: RunError.
    """
    name = folder.removeprefix(PREFIX)
    try:
        from transformers import AutoModelForImageClassification
    except ImportError:
        raise ConfigurationError(f"{folder} needs the transformers library: {_INSTALL}") from None
    where = "; it must be in the local cache, nothing is downloaded" if folder.startswith(PREFIX) else ""
    try:
        with quiet():
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
    channels = int(getattr(body.config, "num_channels", None) or 3)
    read = _preprocessing_of(folder, name, body.config, channels)
    shape = None if read.size is None else (channels, *read.size)
    return HuggingFaceClassifier(body, read).eval(), shape


def classifier_of_config(
    settings: Mapping[str, Any], wanted: Preprocessing, *, expected: str | None = None, name: str
) -> HuggingFaceClassifier:
    """The classifier of a configuration (``config.to_dict()``) with new random weights; ``name`` is for errors.

    Only image classifiers that the library lists are built. Without transformers: ConfigurationError; what is no
    configuration of one, or builds another class than was ``expected``: RunError.
    """
    try:
        from transformers import AutoConfig, AutoModelForImageClassification
    except ImportError:
        raise ConfigurationError(f"{name} needs the transformers library: {_INSTALL}") from None
    kind = settings.get("model_type")
    classes = _listed(kind)
    if not classes:
        raise RunError(f"{name} does not describe an image classifier (the library lists none of the type {kind!r})")
    if expected is not None and expected not in classes:
        raise RunError(f"{name} names the class {expected!r}, but its configuration is of {' or '.join(classes)}")
    others = {key: value for key, value in settings.items() if key not in {"model_type", "auto_map"}}
    try:
        with quiet():
            config = AutoConfig.for_model(kind, **others)
            body = AutoModelForImageClassification.from_config(config, trust_remote_code=False)
    except RunError as error:
        raise RunError(f"{name} is refused: {error}") from error
    except Exception as error:  # the library raises nearly anything on what it does not know
        raise RunError(f"{name} does not describe an image classifier ({_first_line(error)})") from error
    return HuggingFaceClassifier(body, wanted).eval()


def as_plain_module(model: nn.Module) -> HuggingFaceClassifier | None:
    """A copy of a classifier of the library that is given images in [0, 1] as they are; None for any other module."""
    config = getattr(model, "config", None)
    if type(model).__module__.partition(".")[0] != "transformers":
        return None
    if type(model).__name__ not in _listed(getattr(config, "model_type", None)):
        return None
    channels = int(getattr(config, "num_channels", None) or 3)
    return HuggingFaceClassifier(deepcopy(model), Preprocessing((0.0,) * channels, (1.0,) * channels, None)).eval()


def _listed(kind: object) -> tuple[str, ...]:
    """The image classifiers that the library lists of a type of model."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES as LISTED

    listed = LISTED.get(kind, ()) if isinstance(kind, str) else ()
    return (listed,) if isinstance(listed, str) else tuple(listed)


def _preprocessing_of(folder: str, name: str, config: Any, channels: int) -> Preprocessing:
    """What the folder says of its images; RunError if it says nothing."""
    from transformers.image_processing_base import ImageProcessingMixin

    of_timm = getattr(config, "pretrained_cfg", None)
    if isinstance(of_timm, Mapping):
        return timm_preprocessing(of_timm, channels, name=folder)
    try:
        settings, _ = ImageProcessingMixin.get_image_processor_dict(name, local_files_only=True)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder} has no preprocessor_config.json, so how its images are normalised is not known; save the image "
            "processor there (processor.save_pretrained(folder))"
        ) from error
    side, kind = getattr(config, "image_size", None), getattr(config, "model_type", None)
    return preprocessing(settings, channels, image_size=side, model_type=kind, name=folder)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
