"""An edited network on disk: what it is built from, what was done to that, and weights. Nothing in it can run code.

``edited.json`` holds the base (a blueprint of ours, a configuration of Hugging Face, or the name of what builds it),
the heads that were found in it, the edits in their order, the shape of every tensor, and the name and SHA-256 of a
safetensors file. To read it, the base is built anew, taken apart at the same heads and edited in the same way, and the
weights must fit it name by name. What builds a stranger's module is code, so it runs only if the user names it again.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch
from torch import nn

from archlock.decoding import decode
from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.models import (
    Classifier,
    Edit,
    FoundHead,
    Headed,
    HuggingFaceClassifier,
    Network,
    Preprocessing,
    apart_at,
    classifier_of_config,
    decoded_edits,
    edit_record,
    filled,
    heads_of,
    module_from_factory,
    read_parts,
    restructured,
)
from archlock.recipes.export import Blueprint, build_blueprint, load_blueprint, save_blueprint
from archlock.records import plain, read_json, write_atomic, write_json
from archlock.tasks import Framing

EDITED: Final = "edited.json"
WEIGHTS: Final = "edited.safetensors"
BASE: Final = "base.json"
"""The blueprint of a network of ours."""
FORMAT: Final = 1
KINDS: Final = ("archlock", "transformers", "factory")


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The weights beside ``edited.json``."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class EditedRecord:
    """``edited.json``, but for its base and its edits."""

    name: str
    shape: tuple[int, int, int]
    """Channels, height and width of the images."""
    framing: Framing | None
    heads: tuple[FoundHead, ...]
    """Of the base; none for a network of ours."""
    tensors: dict[str, tuple[int, ...]]
    weights: WeightsFile
    built_with: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class EditedNetwork:
    """What was read: a network in evaluation mode, and what an opened model says of itself."""

    module: nn.Module
    record: EditedRecord
    origin: str
    built_by: str


@dataclass(frozen=True, slots=True)
class Base:
    """What a network was built from before it was edited."""

    described: Mapping[str, Any]
    """As JSON types, with its ``kind``."""
    heads: tuple[FoundHead, ...] = ()
    blueprint: Blueprint | None = None
    """Of a network of ours."""


def base_of(
    module: nn.Module, *, name: str, blueprint: Blueprint | None, factory: str | None, arguments: Mapping[str, Any]
) -> Base:
    """What an opened model is built from; a module that nothing on disk describes raises ConfigurationError."""
    if blueprint is not None:
        return Base({"kind": "archlock", "file": BASE}, blueprint=blueprint)
    if not isinstance(module, Classifier) or (heads := _heads(module)) is None:
        raise ConfigurationError(
            f"{name} cannot be written: nothing on disk says what it is built from, or it is edited already; give the "
            "path of a lock run, a folder of ours or of Hugging Face, or a file of weights with --module"
        )
    inner = module.body.get_submodule("model")
    if isinstance(inner, HuggingFaceClassifier):
        normalise = inner.normalise
        images = {"mean": normalise.mean.flatten().tolist(), "std": normalise.std.flatten().tolist()}
        of_library: Any = inner.body.config
        config = json.loads(of_library.to_json_string(use_diff=False))
        return Base({"kind": "transformers", "config": config, **images, "order": inner.order}, heads)
    if factory is None:
        raise ConfigurationError(
            f"{name} cannot be written: what builds its module is not known; give a file of weights with --module "
            "package.module:callable"
        )
    return Base({"kind": "factory", "name": factory, "arguments": plain(arguments)}, heads)


def save_edited(
    folder: Path,
    model: Headed,
    edits: Sequence[Edit],
    base: Base,
    *,
    name: str,
    shape: tuple[int, int, int],
    framing: Framing | None,
    built_with: Mapping[str, str],
) -> Path:
    """Write an edited network into a folder; returns the path of ``edited.json``, which is written last."""
    state = {key: value.detach().cpu().clone().contiguous() for key, value in model.state_dict().items()}
    content = safetensors.torch.save(state)
    tensors = {key: tuple(value.shape) for key, value in state.items()}
    weights = WeightsFile(WEIGHTS, hashlib.sha256(content).hexdigest())
    record = EditedRecord(name, shape, framing, base.heads, tensors, weights, dict(built_with))
    write_atomic(folder / WEIGHTS, content)
    if base.blueprint is not None:
        save_blueprint(base.blueprint, folder / BASE)
    described = {"format": FORMAT, "base": base.described, "edits": [edit_record(edit) for edit in edits]}
    return write_json(folder / EDITED, {**described, **plain(record)})


def open_edited(folder: Path, *, factory: str | None, arguments: Mapping[str, Any]) -> EditedNetwork:
    """The network of a folder with ``edited.json``, in evaluation mode.

    A base that only the user's code builds needs that code named, as it was when the folder was written
    (ConfigurationError). What is damaged, changed, of a newer format or does not fit together raises RunError.
    """
    path = folder / EDITED
    base, edits, record = _read(path)
    state = _weights(folder, record)
    built, built_by = _built(path, base, record, factory, arguments)
    try:
        apart = built if isinstance(built, Network) else apart_at(built, record.heads)
        model = restructured(apart, edits)
    except (RunError, UnsupportedError) as error:
        raise RunError(f"{path} does not fit the network that it names: {error}") from error
    filled(model, {"": state}, name=str(folder / record.weights.file))
    done = ", ".join(f"{sum(type(edit) is kind for edit in edits)} x {kind.__name__.lower()}" for kind in _kinds(edits))
    origin = f"{path}, edited ({done})"
    return EditedNetwork(model.eval(), record, origin, built_by)


def _heads(module: Classifier) -> tuple[FoundHead, ...] | None:
    """The heads that were found in a stranger's module; None where it was not taken apart."""
    try:
        return heads_of(module)
    except UnsupportedError:
        return None


def _kinds(edits: Sequence[Edit]) -> list[type[Edit]]:
    return list(dict.fromkeys(type(edit) for edit in edits))


def _read(path: Path) -> tuple[dict[str, Any], tuple[Edit, ...], EditedRecord]:
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise RunError(f"{path} has format {found!r}, this version reads {FORMAT}")
    base, edits = content.pop("base", None), content.pop("edits", None)
    content.pop("format")
    if not isinstance(base, dict) or base.get("kind") not in KINDS:
        raise RunError(f"{path} names no base that is known: expected one of {', '.join(KINDS)}; got {base!r}")
    try:
        return base, decoded_edits(edits), decode(EditedRecord, content)
    except RunError as error:
        raise RunError(f"{path} is damaged: {error}") from error


def _weights(folder: Path, record: EditedRecord) -> dict[str, torch.Tensor]:
    """The tensors of the file, which must be the one that was written."""
    name = record.weights.file
    if Path(name).name != name or not name.endswith(".safetensors"):
        raise RunError(f"{folder / EDITED} names {name!r} as its weights; expected a .safetensors file beside it")
    path = folder / name
    if not path.is_file():
        raise RunError(f"{path} is missing; expected the weights of the edited network there")
    if hashlib.sha256(path.read_bytes()).hexdigest() != record.weights.sha256:
        raise RunError(f"{path} is not the file that was written with {EDITED} (another SHA-256); copy both again")
    state = read_parts(path)[""]
    if {key: tuple(value.shape) for key, value in state.items()} != record.tensors:
        raise RunError(f"{path} holds other tensors than {EDITED} lists; copy both again")
    return state


def _built(
    path: Path, base: Mapping[str, Any], record: EditedRecord, factory: str | None, arguments: Mapping[str, Any]
) -> tuple[nn.Module, str]:
    """The base with new random weights, and what of the user's built it."""
    kind = base["kind"]
    if kind == "factory":
        asked = f"{base.get('name')} with the arguments {base.get('arguments')}"
        if factory is None:
            raise ConfigurationError(
                f"{path.parent} was made of a module of {asked}; that is code, so name it again: --module, and "
                "--module-args"
            )
        if (factory, plain(arguments)) != (base.get("name"), base.get("arguments")):
            raise ConfigurationError(
                f"{path.parent} was made of a module of {asked}; got {factory} with the arguments {dict(arguments)}"
            )
        words = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        return module_from_factory(factory, arguments), f"{factory}({words}), edited"
    if factory is not None:
        raise ConfigurationError(f"{path.parent} says itself what it is built from; leave out --module")
    if kind == "archlock":
        return build_blueprint(load_blueprint(path.parent / BASE)), ""
    config, images = base.get("config"), {key: base.get(key) for key in ("mean", "std", "order")}
    if not isinstance(config, dict):
        raise RunError(f"{path} is damaged: the base has no config")
    wanted = decode(Preprocessing, {**images, "framing": plain(record.framing)}, where="base")
    return classifier_of_config(config, wanted, name=str(path)), ""
