"""A trained model on disk, and back: safetensors for the weights, JSON for the architecture, ONNX for other runtimes.

Nothing in these files can execute code when they are read.
"""

import hashlib
import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archlock.errors import RunError
from archlock.extras import require
from archlock.models import Network, build, load_weights
from archlock.records import LATER, fingerprint, plain, read_json, write_atomic, write_json
from archlock.spaces import SPACES, Architecture
from archlock.tasks import FORM_WORDS, Signature

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that is needed to build the network that a file of weights belongs to."""

    architecture: Architecture
    signature: Signature
    classes: tuple[str, ...]
    width: int
    depth: int
    group_width: int = field(default=1, metadata=LATER)
    """Above 1: convolutions in groups of so many channels, where the architecture has depthwise ones."""


def save_blueprint(blueprint: Blueprint, path: Path) -> Path:
    """Write ``architecture.json``."""
    space = SPACES[blueprint.architecture.space]
    extra = {"format": FORMAT, "official_string": space.official_string(blueprint.architecture)}
    return write_json(path, {**extra, **plain(blueprint)})


def load_blueprint(path: Path) -> Blueprint:
    """Read ``architecture.json``; anything that does not describe a network raises RunError."""
    content = read_json(path)
    try:
        if content["format"] != FORMAT:
            raise RunError(f"{path} has format {content['format']}, this version reads {FORMAT}")
        described = content["signature"]
        return Blueprint(
            SPACES[content["architecture"]["space"]].architecture(content["architecture"]["code"]),
            Signature(
                described["kind"],
                tuple(described["shape"]),
                described["outputs"],
                tuple(described["mean"]),
                tuple(described["std"]),
                described.get("form", "image"),
                described.get("measured", False),
            ),
            tuple(content["classes"]),
            content["width"],
            content["depth"],
            content.get("group_width", 1),
        )
    except (KeyError, TypeError) as error:
        raise RunError(f"{path} does not describe an architecture: {type(error).__name__} {error}") from error


def build_blueprint(blueprint: Blueprint, *, seed: int = 0) -> nn.Module:
    """The network with new random weights."""
    return build(
        blueprint.architecture,
        blueprint.signature,
        width=blueprint.width,
        depth=blueprint.depth,
        group_width=blueprint.group_width,
        seed=seed,
    )


def load(path: str | Path) -> nn.Module:
    """The locked model of a run directory, in evaluation mode.

    It takes float32 images in [0, 1], N x C x H x W (or signals in the units of the data, N x C x L), and returns
    logits (normalisation is its first layer).
    """
    directory = Path(path)
    blueprint = load_blueprint(directory / "architecture.json")
    return load_weights(build_blueprint(blueprint), directory / "locked.safetensors").eval()


def export_onnx(model: nn.Module, shape: tuple[int, int, int], path: Path) -> Path:
    """Write the model as ONNX with a free batch size; input :func:`input_name`, output ``logits``.

    Without the extra ``onnx``: ConfigurationError.
    """
    require("onnx", f"writing {path.name}")
    example = torch.zeros(2, *shape)
    remarks = logging.getLogger("torch.onnx")
    before = remarks.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        remarks.setLevel(logging.ERROR)  # and that torchvision is not installed
        try:
            program: Any = torch.onnx.export(
                model,
                (example,),
                dynamo=True,
                input_names=[input_name(model)],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("examples")},),
                verbose=False,
            )
        finally:
            remarks.setLevel(before)
    return write_atomic(path, program.model_proto.SerializeToString())


def input_name(model: nn.Module) -> str:
    """What the input of a model is called in its ONNX file: ``images``, or ``signals`` (N x C x 1 x L)."""
    return FORM_WORDS[model.signature.form if isinstance(model, Network) else "image"].many


def weights_fingerprint(model: nn.Module) -> str:
    """Identity of a trained model: a hash of its exact weights and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return fingerprint(digest.hexdigest())
