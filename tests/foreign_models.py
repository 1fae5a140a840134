"""Small models as strangers bring them: a module of their own, a file of weights, a folder in Hugging Face's layout."""

import json
from pathlib import Path

import torch
from torch import nn


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
