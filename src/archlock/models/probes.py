"""Probe networks: frozen feature extractors whose Fisher information describes a task (see ``archlock.embeddings``).

Three probes have names: ``embedded`` (in the package, always there), ``resnet20_cifar`` (He et al. 2016, section 4.2)
and ``mobilenet_v2`` (Sandler et al. 2018), the last two with weights from a safetensors file that the user names. Any
convolutional model that ``transformers`` can load is a probe too, as ``hf:owner/name``; nothing else here ever reaches
for the network. A probe ends in feature maps; the head that reads their spatial mean belongs to the task, not to the
probe. Not here: the fit of that head and the Fisher information.
"""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from archlock.catalog import Catalog
from archlock.errors import ConfigurationError, UnsupportedError

EMBEDDED_WEIGHTS = Path(__file__).parent / "data" / "probe.safetensors"
_HALF = (0.5, 0.5, 0.5)
_CIFAR_MEAN, _CIFAR_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what those weights were trained with
_TRANSFORMERS = 'needs the transformers library: pip install "archlock[huggingface]"'


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """A pretrained feature extractor; equal fingerprints mean equal functions of an image.

    ``template`` maps prepared images to feature maps (N x features x h x w). It is never run: :meth:`network` gives a
    copy, so a probe serves any number of tasks and stays what it is.
    """

    name: str
    template: nn.Module
    size: int
    """Height and width in pixels to which images are brought."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    layers: tuple[str, ...] = field(init=False)
    """Names of all convolution layers, in the order of the network's modules."""
    fingerprint: str = field(init=False)
    """First 16 hex digits of the SHA-256 of weights, size and normalisation."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ConfigurationError(f"probe {self.name!r}: size must be a positive number of pixels; got {self.size}")
        layers = [name for name, module in self.template.named_modules() if isinstance(module, nn.Conv2d)]
        if not layers:
            raise UnsupportedError(f"probe {self.name!r} has no convolution layer; choose a convolutional network")
        object.__setattr__(self, "layers", tuple(layers))
        digest = hashlib.sha256(repr((self.size, self.mean, self.std)).encode())
        for name, tensor in self.template.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        object.__setattr__(self, "fingerprint", digest.hexdigest()[:16])

    @property
    def last(self) -> tuple[str, ...]:
        """The convolution layers of the last third of the network (by count): where tasks differ most."""
        return self.layers[-max(1, len(self.layers) // 3) :]

    def network(self) -> nn.Module:
        """A copy of the network in evaluation mode, no parameter of which asks for a gradient."""
        return copy.deepcopy(self.template).eval().requires_grad_(False)

    def prepare(
        self, images: Float[Tensor, "examples channels height width"]
    ) -> Float[Tensor, "examples 3 size_high size_wide"]:
        """Images in [0, 1] as the network wants them: grey repeated to RGB, scaled (bilinear, antialiased), normalised.

        Raises UnsupportedError for images that have neither one nor three channels.
        """
        if images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        if images.shape[1] != 3:
            raise UnsupportedError(f"a probe reads grey or RGB images; these have {images.shape[1]} channels")
        if images.shape[2:] != (self.size, self.size):
            images = F.interpolate(images, (self.size, self.size), mode="bilinear", antialias=True)
        mean = torch.tensor(self.mean, dtype=images.dtype, device=images.device).view(3, 1, 1)
        std = torch.tensor(self.std, dtype=images.dtype, device=images.device).view(3, 1, 1)
        return ((images - mean) / std).contiguous(memory_format=torch.channels_last)


class Residual(nn.Module):
    """The basic block of He et al. 2016 with the shortcut that has no parameters (option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.padding = stride, (outputs - inputs) // 2

    def forward(self, maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c2 h2 w2"]:
        """Feature maps."""
        inner = F.relu(self.bn1(self.conv1(maps)))
        shortcut = maps
        if self.padding:
            shortcut = F.pad(maps[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(self.bn2(self.conv2(inner)) + shortcut)


class ResidualNetwork(nn.Module):
    """Three stages of 16, 32 and 64 channels (He et al. 2016, section 4.2), without the classifier.

    Returns N x 64 x h x w feature maps. ``blocks`` a stage: 3 makes ResNet-20. ``stem_stride`` 2 is ours: the embedded
    probe works at half resolution, a quarter of the cost.
    """

    def __init__(self, *, blocks: int, stem_stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stem_stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, 1)
        self.layer2 = _stage(16, 32, blocks, 2)
        self.layer3 = _stage(32, 64, blocks, 2)

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 64 h2 w2"]:
        """Feature maps."""
        maps = F.relu(self.bn1(self.conv1(images)))
        output: Tensor = self.layer3(self.layer2(self.layer1(maps)))
        return output


class LastMaps(nn.Module):
    """A ``transformers`` vision model that returns its last feature maps as a plain tensor."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n features h2 w2"]:
        """Feature maps."""
        output: Tensor = self.body(images).last_hidden_state
        return output


def embedded(*, weights: Path | None = None, size: int | None = None) -> Probe:
    """The probe inside the package: a 75,000-parameter residual network, trained on generated images only.

    ``conversions/train_embedded_probe.py`` made it. Size 32 unless said; ``weights`` reads another file of its layout.
    """
    network = ResidualNetwork(blocks=1, stem_stride=2)
    _load(network, _read("embedded", weights or EMBEDDED_WEIGHTS), "embedded")
    return Probe("embedded", network, size or 32, _HALF, _HALF)


def resnet20_cifar(*, weights: Path | None = None, size: int | None = None) -> Probe:
    """ResNet-20 for CIFAR-10 from a safetensors state dict (``conv1``, ``layer1.0.conv1`` ... ``linear``); size 32."""
    state = _read("resnet20_cifar", weights)
    body = {name: tensor for name, tensor in state.items() if not name.startswith("linear.")}
    network = ResidualNetwork(blocks=3)
    _load(network, body, "resnet20_cifar")
    return Probe("resnet20_cifar", network, size or 32, _CIFAR_MEAN, _CIFAR_STD)


def mobilenet_v2(*, weights: Path | None = None, size: int | None = None) -> Probe:
    """MobileNetV2 1.0 for ImageNet from a safetensors state dict with torchvision's names; size 128 unless said.

    Padding is TensorFlow's SAME, as in the original training. Needs transformers (for the network; no download).
    """
    state = _read("mobilenet_v2", weights)
    try:
        from transformers import MobileNetV2Config, MobileNetV2Model
    except ImportError:
        raise ConfigurationError(f"probe 'mobilenet_v2' {_TRANSFORMERS}") from None
    body = MobileNetV2Model(MobileNetV2Config(tf_padding=True, layer_norm_eps=1e-5), add_pooling_layer=False)
    source = sorted((name for name in state if name.startswith("features.")), key=_torchvision_order)
    wanted = [name for name in body.state_dict() if not name.endswith("num_batches_tracked")]
    if len(source) != len(wanted):
        raise ConfigurationError(
            f"probe 'mobilenet_v2': expected {len(wanted)} tensors named features.* in {weights}, got {len(source)}; "
            "give a MobileNetV2 1.0 state dict with torchvision's names"
        )
    _load(body, {name: state[old] for name, old in zip(wanted, source, strict=True)}, "mobilenet_v2")
    return Probe("mobilenet_v2", LastMaps(body), size or 128, _HALF, _HALF)


def hugging_face(name: str, *, size: int | None = None) -> Probe:
    """A convolutional vision model by its Hugging Face name or local folder, in safetensors only.

    ``microsoft/resnet-50`` is the published choice of Task2Vec's users. Downloads when the name is not on this machine.
    Size and normalisation are read from the model's preprocessor settings.
    """
    try:
        from transformers import AutoModel
        from transformers.image_processing_base import ImageProcessingMixin
    except ImportError:
        raise ConfigurationError(f"probe 'hf:{name}' {_TRANSFORMERS}") from None
    try:
        body = AutoModel.from_pretrained(name, use_safetensors=True)
        settings, _ = ImageProcessingMixin.get_image_processor_dict(name)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"probe 'hf:{name}' cannot be loaded ({str(error).splitlines()[0]}); check the name, or use 'embedded'"
        ) from error
    wanted = settings.get("crop_size") or settings.get("size") or {}
    pixels = size or (wanted if isinstance(wanted, int) else wanted.get("height", wanted.get("shortest_edge", 224)))
    network = LastMaps(body).eval()
    with torch.no_grad():
        output = body(torch.zeros(1, 3, pixels, pixels)).last_hidden_state
    if output.ndim != 4:
        raise UnsupportedError(
            f"probe 'hf:{name}' gives features of shape {tuple(output.shape)}, not maps N x features x h x w; "
            "choose a convolutional network such as hf:microsoft/resnet-50"
        )
    mean, std = settings.get("image_mean", _HALF), settings.get("image_std", _HALF)
    return Probe(f"hf:{name}", network, pixels, tuple(map(float, mean)), tuple(map(float, std)))


PROBES: Catalog[Callable[..., Probe]] = Catalog(
    "probe", {"embedded": embedded, "resnet20_cifar": resnet20_cifar, "mobilenet_v2": mobilenet_v2}
)
"""Name -> loader, called as ``loader(weights=path, size=pixels)``; both may be left out."""


def open_probe(name: str, *, weights: Path | None = None, size: int | None = None) -> Probe:
    """The probe of that name: a member of ``PROBES``, or ``hf:owner/name`` (the only one that may download).

    >>> open_probe("embedded").size
    32
    """
    if name.startswith("hf:"):
        if weights is not None:
            raise ConfigurationError(f"probe {name!r} brings its own weights; leave out weights={weights}")
        return hugging_face(name.removeprefix("hf:"), size=size)
    return PROBES[name](weights=weights, size=size)


def _stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    first = Residual(inputs, outputs, stride)
    return nn.Sequential(first, *(Residual(outputs, outputs, 1) for _ in range(blocks - 1)))


def _read(probe: str, weights: Path | None) -> dict[str, Tensor]:
    if weights is None:
        raise ConfigurationError(f"probe {probe!r} needs its weights: give the path of a .safetensors file")
    if not Path(weights).is_file():
        raise ConfigurationError(f"probe {probe!r}: no file {weights}; give the path of a .safetensors file")
    try:
        state: dict[str, Tensor] = load_file(weights)
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise ConfigurationError(f"probe {probe!r}: {weights} is not a safetensors file ({error})") from error
    return state


def _load(network: nn.Module, state: dict[str, Tensor], probe: str) -> None:
    own = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    if own.keys() != state.keys():
        missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        raise ConfigurationError(
            f"probe {probe!r}: the weights belong to another network; missing {missing[:3]}, not known {extra[:3]}"
        )
    for name, tensor in own.items():
        if tensor.shape != state[name].shape:
            raise ConfigurationError(
                f"probe {probe!r}: {name} should have shape {tuple(tensor.shape)}; got {tuple(state[name].shape)}"
            )
    network.load_state_dict(state, strict=False)


def _torchvision_order(name: str) -> list[tuple[int, str]]:
    """Sort key that gives torchvision's own order of tensors: by number, then weight, bias, mean, variance."""
    tail = ("weight", "bias", "running_mean", "running_var")
    parts = [(tail.index(part), part) if part in tail else (-1, part) for part in name.split(".")]
    return [(int(part), "") if part.isdigit() else (rank, part) for rank, part in parts]
