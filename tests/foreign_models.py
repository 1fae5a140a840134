"""Small models as strangers bring them: a module of their own, a file of weights, a folder in Hugging Face's layout."""

import io
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from masked_models import Rounded


def plain_network(classes: int = 4, width: int = 6) -> nn.Module:
    """Two convolutions for 8 x 8 grey images, with random weights."""
    torch.manual_seed(11)
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * width, classes),
    ).eval()


FACTORY = "foreign_models:plain_network"


def normed_network() -> nn.Module:
    """The same, with weight norm in its first layer: the weights are computed."""
    model = plain_network()
    nn.utils.parametrizations.weight_norm(model[0])  # type: ignore[index]
    return model


def rounding_network() -> nn.Module:
    """The same, of images that are rounded to few grey levels: it has no gradient anywhere."""
    return Rounded(plain_network()).eval()


def weights_file(path: Path, *, width: int = 6) -> Path:
    """Its weights, wrapped as a training script leaves them."""
    state = {f"module.{name}": value for name, value in plain_network(width=width).state_dict().items()}
    torch.save({"epoch": 7, "state_dict": state}, path)
    return path


def vit_folder(folder: Path) -> Path:
    """A vision transformer for 16 x 16 RGB images, from its configuration, with random weights."""
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(5)
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=16, patch_size=4,
        num_labels=4,
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(folder)
    settings = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": {"height": 16, "width": 16}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


STRIPES = "foreign_models:stripe_network"


def stripe_network() -> nn.Module:
    """Sees stripes of four pixels across and along, by fixed filters; a head for three classes, not trained."""
    torch.manual_seed(3)
    filters = nn.Conv2d(3, 2, 3, bias=False)
    step = torch.tensor([-1.0, 0.0, 1.0])
    with torch.no_grad():
        filters.weight.zero_()
        filters.weight[0, :, 1, :] = step
        filters.weight[1, :, :, 1] = step
    return nn.Sequential(
        filters, nn.ReLU(), nn.AvgPool2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)
    ).eval()


def striped_images(count: int, *, side: int = 256) -> tuple[list[bytes], list[int]]:
    """JPEG files whose classes (across, along, plain) differ in stripes of four pixels alone, and their labels."""
    rng = np.random.default_rng(8)
    files, labels = [], [index % 3 for index in range(count)]
    for label in labels:
        wave = 40.0 * np.where(np.arange(side) % 4 < 2, 1, -1)
        stripes = (np.tile(wave, (side, 1)), np.tile(wave[:, None], (1, side)), np.zeros((side, side)))[label]
        shade = np.kron(rng.normal(127, 20, (8, 8)), np.ones((side // 8, side // 8)))
        image = (stripes + shade + rng.normal(0, 3, (side, side))).clip(0, 255).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(np.repeat(image[..., None], 3, axis=2) - np.array([0, 2, 0], np.uint8)).save(
            stream, "JPEG", quality=95
        )
        files.append(stream.getvalue())
    return files, labels
