"""Small networks of the families that can be edited, with random weights, each as a folder or file on disk."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from archlock.models import build, labelled, narrowed, save_weights, structure_of, zeroed
from archlock.recipes.export import Blueprint, save_blueprint
from archlock.spaces import Architecture
from archlock.tasks import Signature
from shared_networks import ResNet


def shortcut_network() -> nn.Module:
    """A ResNet-8 for CIFAR, whose shortcuts are paddings."""
    torch.manual_seed(1)
    return lively(ResNet(1), (3, 16, 16))


def lively(model: nn.Module, shape: tuple[int, int, int]) -> nn.Module:
    """The model in evaluation mode, with statistics of some images."""
    with torch.no_grad():
        model.train()(torch.rand(16, *shape))
    return model.eval()


def library_classifier(family: str) -> nn.Module:
    """An image classifier of Hugging Face for 3 x 16 x 16 images (32 x 32 for MobileNetV2)."""
    import transformers as library

    torch.manual_seed(2)
    if family == "resnet":
        basic = library.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12], depths=[2, 2], layer_type="basic")
        return library.ResNetForImageClassification(basic)
    if family == "regnet":
        grouped = library.RegNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 2], groups_width=4)
        return library.RegNetForImageClassification(grouped)
    if family == "mobilenet_v2":
        thin = library.MobileNetV2Config(depth_multiplier=0.1, finegrained_output=False)
        return library.MobileNetV2ForImageClassification(thin)
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24}
    if family == "vit":
        return library.ViTForImageClassification(library.ViTConfig(**small, image_size=16, patch_size=4))
    if family == "swin":
        windows = library.SwinConfig(
            embed_dim=8, depths=[2, 1], num_heads=[2, 2], window_size=2, image_size=16, patch_size=2
        )
        return library.SwinForImageClassification(windows)
    scaled = library.ConvNextConfig(hidden_sizes=[8, 12], depths=[1, 2], num_stages=2, patch_size=2)
    return library.ConvNextForImageClassification(scaled)


class Tied(nn.Module):
    """Two layers with one weight, and one whose kernel is a bare parameter, for 3 x 8 x 8 images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.kernel = nn.Parameter(torch.randn(4, 3, 3, 3) / 5)
        self.first, self.head = nn.Linear(4 * 36, 6, bias=False), nn.Linear(6, 3)
        self.one, self.other = (nn.Linear(6, 6, bias=False) for _ in range(2))
        self.other.weight = self.one.weight
        self.register_buffer("shift", torch.ones(6), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(nn.functional.conv2d(images, self.kernel)).flatten(1)
        hidden = torch.relu(self.one(torch.relu(self.first(maps) * self.shift)))
        answer: torch.Tensor = self.head(torch.relu(self.other(hidden)))
        return answer


@dataclass(frozen=True)
class Family:
    """How a model of a family lies on disk."""

    write: Callable[[Path], Path]
    shape: tuple[int, int, int]
    opening: dict[str, Any]
    """What ``open_model`` is told."""


def _ours(path: Path) -> Path:
    signature = Signature("classification", (3, 16, 16), 3, (0.3,) * 3, (0.4,) * 3)
    architecture = Architecture("nasbench201", "301321")
    network = lively(build(architecture, signature, width=4, depth=1, seed=0), (3, 16, 16))
    path.mkdir()
    save_weights(network, path / "locked.safetensors")
    save_blueprint(Blueprint(architecture, signature, ("a", "b", "c"), 4, 1), path / "architecture.json")
    return path


def _file(path: Path) -> Path:
    torch.save(shortcut_network().state_dict(), path.with_suffix(".pt"))
    return path.with_suffix(".pt")


def _library(family: str, side: int) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        model = lively(library_classifier(family), (3, side, side))
        model.save_pretrained(path)  # type: ignore[operator]
        settings = {
            "image_processor_type": "ViTImageProcessor", "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
            "size": {"height": side, "width": side},
        }  # fmt: skip
        (path / "preprocessor_config.json").write_text(json.dumps(settings))
        return path

    return write


FAMILIES = {
    "ours": Family(_ours, (3, 16, 16), {}),
    "shortcuts": Family(
        _file, (3, 16, 16), {"factory": "edited_families:shortcut_network", "arguments": {}, "size": (16, 16)}
    ),
    **{
        name: Family(_library(name, side), (3, side, side), {})
        for name, side in (
            ("resnet", 16), ("regnet", 16), ("mobilenet_v2", 32), ("vit", 16), ("convnext", 16), ("swin", 16),
        )
    },
}  # fmt: skip


@dataclass(frozen=True)
class Removal:
    """One random choice of units of one group: zeroed, removed, compared."""

    family: str
    group: str
    units: tuple[int, ...]
    exact: bool
    """What the label says."""
    difference: float
    """Largest difference of an answer, as a share of the largest answer, in double precision."""


def model_of(family: str) -> nn.Module:
    """A network of a family as a module."""
    if family == "ours":
        signature = Signature("classification", (3, 16, 16), 3, (0.3,) * 3, (0.4,) * 3)
        network = build(Architecture("nasbench201", "301321"), signature, width=4, depth=1, seed=0)
        return lively(network, (3, 16, 16))
    return shortcut_network() if family == "shortcuts" else lively(library_classifier(family), FAMILIES[family].shape)


def random_removals(family: str, count: int, rng: np.random.Generator) -> list[Removal]:
    """So many of one family; groups, numbers of units and units by chance, at least one unit left."""
    model, shape = model_of(family), FAMILIES[family].shape
    images = torch.rand(3, *shape, generator=torch.Generator().manual_seed(int(rng.integers(1 << 30))))
    structure = labelled(model, structure_of(model, images[:1]), images)
    model, images = model.double(), images.double()
    found = []
    for _ in range(count):
        group = structure.groups[rng.integers(len(structure.groups))]
        units = rng.choice(group.units, rng.integers(1, group.units), replace=False).tolist()
        zero = zeroed(model, structure, {group.name: units})
        with torch.no_grad():
            wanted, got = (_logits(one(images)) for one in (zero, narrowed(zero, structure, {group.name: units})))
        apart = float((wanted - got).abs().max() / wanted.abs().max())
        found.append(Removal(family, group.name, tuple(sorted(units)), bool(group.exact), apart))
    return found


def _logits(answer: Any) -> torch.Tensor:
    return getattr(answer, "logits", answer)
