"""What makes an opened model that one and no other: its weights, what built it, and what it answers.

A stranger's module is known by what it computes, not by how it prints: another argument of its factory or an edited
``forward`` makes another model, in the evidence store and in a run's directory. Ours are built from a blueprint, which
with the weights says all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archlock.errors import RunError
from archlock.models import answers_fingerprint
from archlock.recipes.export import weights_fingerprint
from archlock.recipes.opening import OpenedModel, Shape
from archlock.recipes.workspace import SETTINGS
from archlock.records import fingerprint, plain, read_json

_MARK: Final = "#answers-"
BY_PRINT: Final = "*#" + "[0-9a-f]" * 16
"""GLOB pattern of the architectures of foreign models in stores of before, which knew them by how they print."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Of one opened model."""

    architecture: str
    """Its name in the evidence store."""
    weights: str
    parts: Mapping[str, Any]
    """What it consists of, by words that an error can show; empty for a network of ours."""


def identify(opened: OpenedModel, shape: Shape) -> ModelIdentity:
    """The identity of a model that is given images of that shape (channels, height, width)."""
    weights = weights_fingerprint(opened.module)
    if opened.blueprint is not None:
        return ModelIdentity(str(opened.blueprint.architecture), weights, {})
    parts = {
        "name": opened.name,
        "weights": weights,
        "built by": opened.built_by,
        "images": "x".join(map(str, shape)),
        "framing": plain(opened.framing),
        "answers": answers_fingerprint(opened.module, shape),
    }
    return ModelIdentity(f"{opened.name}{_MARK}{fingerprint(parts)}", weights, parts)


def run_identity(models: Mapping[str, ModelIdentity]) -> dict[str, Any]:
    """What a run's directory keeps of its models, so that another model is refused by what differs."""
    if not any(one.parts for one in models.values()):
        return {"models": [[one.architecture, one.weights] for one in models.values()]}
    return {
        f"{role} {part}": value
        for role, one in models.items()
        for part, value in (one.parts or {"architecture": one.architecture, "weights": one.weights}).items()
    }


def refuse_by_print(folder: Path) -> None:
    """A directory whose run knew a foreign model by how it prints raises RunError: its figures may be another's."""
    if not (folder / SETTINGS).exists():
        return
    written = read_json(folder / SETTINGS)
    models = written.get("models", []) if isinstance(written, dict) else []
    for model in models:
        if re.search("#[0-9a-f]{16}$", str(model[0])):
            raise RunError(
                f"{folder} holds an attack on {str(model[0]).rpartition('#')[0]} by an earlier version, which did not "
                "look at what a model answers, so its figures may be of another model; give another --out"
            )
