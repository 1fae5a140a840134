"""What an edited network is built from before it is edited: described in JSON types, and built from such a description.

A network of ours is a blueprint, one of Hugging Face its configuration, both built without memory for numbers. What
builds a stranger's module is code: it runs only if the user names it again, with numbers, since it may count on them.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import nn

from archlock.decoding import decode
from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.models import (
    Classifier,
    FoundHead,
    HuggingFaceClassifier,
    Preprocessing,
    apart_at,
    classifier_of_config,
    heads_of,
    module_from_factory,
    without_numbers,
)
from archlock.recipes.export import Blueprint, build_blueprint, load_blueprint
from archlock.records import plain
from archlock.tasks import Framing

BASE: Final = "base.json"
"""The blueprint of a network of ours."""
KINDS: Final = ("archlock", "transformers", "factory")
LARGEST: Final = 10**7
"""Of the whole numbers that describe a base: no width, depth or image is larger."""


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
            f"{name} cannot be written: nothing on disk says what it is built from; give the path of a lock run, a "
            "folder of ours or of Hugging Face, or a file of weights with --module"
        )
    inner = module.body.get_submodule("model")
    if isinstance(inner, HuggingFaceClassifier):
        normalise = inner.normalise
        images = {"mean": normalise.mean.flatten().tolist(), "std": normalise.std.flatten().tolist()}
        of_library: Any = inner.body.config
        config = json.loads(of_library.to_json_string(use_diff=False))
        named = {"kind": "transformers", "class": type(inner.body).__name__, "config": config}
        return Base({**named, **images, "order": inner.order}, heads)
    if factory is None:
        raise ConfigurationError(
            f"{name} cannot be written: what builds its module is not known; give a file of weights with --module "
            "package.module:callable (in Python, a module or a file, with factory=)"
        )
    return Base({"kind": "factory", "name": factory, "arguments": plain(arguments)}, heads)


def built_base(
    base: Base, framing: Framing | None, path: Path, *, factory: str | None, arguments: Mapping[str, Any]
) -> tuple[nn.Module, str]:
    """The base as body and head, and what of the user's built it; its numbers mean nothing.

    ``path`` is that of the record, for errors. A base of the user's code needs it named, as it was when the folder was
    written (ConfigurationError); what describes no base raises RunError.
    """
    described = base.described
    if base.blueprint is None and not base.heads:
        raise RunError(f"{path} is damaged: it names no heads, which every network that is not ours has")
    if described["kind"] == "factory":
        _check_named_again(described, path, factory, arguments)
        words = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        return apart_at(module_from_factory(str(factory), arguments), base.heads), f"{factory}({words}), edited"
    if factory is not None:
        raise ConfigurationError(f"{path.parent} says itself what it is built from; leave out --module")
    if large := _larger(described if base.blueprint is None else plain(base.blueprint)):
        raise RunError(f"{path} is refused: its base has the number {large} (at most {LARGEST} is built)")
    if base.blueprint is not None:
        blueprint = base.blueprint
        return without_numbers(lambda: build_blueprint(blueprint)), ""
    config, images = described.get("config"), {key: described.get(key) for key in ("mean", "std", "order")}
    if not isinstance(config, dict):
        raise RunError(f"{path} is damaged: the base has no config")
    wanted = decode(Preprocessing, {**images, "framing": plain(framing)}, where="base")

    def make() -> nn.Module:
        made = classifier_of_config(config, wanted, expected=described.get("class"), name=str(path))
        return apart_at(made, base.heads)

    return without_numbers(make), ""


def read_base(described: object, heads: tuple[FoundHead, ...], path: Path) -> Base:
    """The base of a record at that path; what names no known kind raises RunError."""
    if not isinstance(described, dict) or described.get("kind") not in KINDS:
        raise RunError(f"{path} names no base that is known: expected one of {', '.join(KINDS)}; got {described!r}")
    blueprint = load_blueprint(path.parent / BASE) if described["kind"] == "archlock" else None
    return Base(described, heads, blueprint)


def opened_with(base: Base) -> str:
    """What must be said to open what was made of it: of a stranger's module what builds it."""
    if base.described["kind"] != "factory":
        return ""
    arguments = json.dumps(base.described["arguments"])
    given = f" --module-args {shlex.quote(arguments)}" if base.described["arguments"] else ""
    return f"--module {base.described['name']}{given}"


def _heads(module: Classifier) -> tuple[FoundHead, ...] | None:
    """The heads that were found in a stranger's module; None where it was not taken apart."""
    try:
        return heads_of(module)
    except UnsupportedError:
        return None


def _check_named_again(
    described: Mapping[str, Any], path: Path, factory: str | None, arguments: Mapping[str, Any]
) -> None:
    asked = f"{described.get('name')} with the arguments {described.get('arguments')}"
    if factory is None:
        raise ConfigurationError(
            f"{path.parent} was made of a module of {asked}; that is code, so name it again: --module, and "
            "--module-args"
        )
    if (factory, plain(arguments)) != (described.get("name"), described.get("arguments")):
        raise ConfigurationError(
            f"{path.parent} was made of a module of {asked}; got {factory} with the arguments {dict(arguments)}"
        )


def _larger(value: object) -> int | None:
    """A whole number in a record that is larger than any that describes a network."""
    if isinstance(value, Mapping):
        return next((found for one in value.values() if (found := _larger(one))), None)
    if isinstance(value, list | tuple):
        return next((found for one in value if (found := _larger(one))), None)
    return value if isinstance(value, int) and value > LARGEST else None
