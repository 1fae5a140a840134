"""State dicts of anybody's making, as data: reading one never runs what is in the file.

``.safetensors`` files cannot hold code. Other files are torch's pickles, read with ``weights_only=True``, which knows
tensors and plain containers and refuses everything else. Building the module that the weights belong to is code and
therefore always named by the user (:func:`module_from_factory`). Not here: which part of a file is the module's
(``checkpoints``).
"""

import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from archlock.errors import ConfigurationError, RunError

SUFFIXES: Final = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")
"""Files that are taken for a state dict."""
_DEPTH: Final = 3
"""Records within records that are looked into."""
_NAMED: Final = 4


def read_parts(path: Path) -> dict[str, dict[str, Tensor]]:
    """Every state dict in a file by where it lies (``net``, ``checkpoint.model``; empty: the file itself).

    Nothing in the file is run. Numbers and texts beside tensors are left out. A file that holds anything but tensors
    and plain containers, or no tensors, raises RunError.
    """
    if not path.is_file():
        raise RunError(f"{path} is missing; expected a file of weights: {', '.join(SUFFIXES)}")
    found: Any = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    parts = dict(_parts("", found))
    if not parts:
        raise RunError(
            f"{path} holds {_kind_of(found)}, not a state dict (names with tensors); write one with "
            "torch.save(model.state_dict(), path)"
        )
    return parts


def _parts(place: str, found: Any, depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The state dicts in a record of a training: its own tensors, and those of the records in it."""
    if not isinstance(found, Mapping):
        return
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if tensors:
        yield place, tensors
    for key, value in found.items() if depth < _DEPTH else ():
        if isinstance(key, str):
            yield from _parts(f"{place}.{key}" if place else key, value, depth + 1)


def fill(module: nn.Module, state: Mapping[str, Tensor], *, name: str) -> nn.Module:
    """Put a state dict into a module and return it, in evaluation mode and float32.

    Every tensor of the module must be there in its shape and nothing else may be (else RunError, which names some), but
    for the counters of batches that old files lack. ``name`` is what an error calls the file.
    """
    wrong = _in_words(mismatches(module, state))
    if wrong:
        raise RunError(
            f"the weights in {name} do not belong to this {type(module).__name__}; {'; '.join(wrong)}. "
            "Build the module with the settings it was trained with"
        )
    module.load_state_dict(dict(state), strict=False)  # (old files lack the counters)
    return module.float().eval()


def mismatches(module: nn.Module, state: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Names that are missing, not known, or of another shape, with their shapes; empty where the state fits."""
    own = module.state_dict()
    return _mismatches(own, state, {key for key in own if key.endswith("num_batches_tracked")})


def complaints(own: Mapping[str, Tensor], state: Mapping[str, Tensor], optional: Set[str]) -> list[str]:
    """What keeps a state from being these tensors, in words; ``optional`` ones may be missing."""
    return _in_words(_mismatches(own, state, optional))


def _in_words(found: Mapping[str, list[str]]) -> list[str]:
    return [f"{len(names)} {what}: {_some(names)}" for what, names in found.items()]


def _mismatches(own: Mapping[str, Any], state: Mapping[str, Any], optional: Set[str]) -> dict[str, list[str]]:
    groups = {
        "missing": [f"{key} {_shape(own[key])}" for key in own.keys() - state.keys() - optional],
        "not known": [f"{key} {_shape(state[key])}" for key in state.keys() - own.keys()],
        "of another shape": [
            f"{key} is {_shape(state[key])}, should be {_shape(own[key])}"
            for key in own.keys() & state.keys()
            if isinstance(own[key], Tensor) and own[key].shape != state[key].shape
        ],
    }
    return {what: names for what, names in groups.items() if names}


def module_from_factory(factory: str, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """Import ``package.module:callable``, call it with keyword arguments, and return the ``nn.Module`` that it makes.

    This runs the user's code, because they named it. What cannot be imported, fails, or makes no module raises
    ConfigurationError.
    """
    place, colon, attribute = factory.partition(":")
    if not (place and colon and attribute):
        raise ConfigurationError(
            f"module {factory!r} is not understood; write package.module:callable, for example timm:create_model"
        )
    try:
        made: Any = importlib.import_module(place)
        for part in attribute.split("."):
            made = getattr(made, part)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"module {factory!r} cannot be imported ({error}); install it, or run where Python finds it"
        ) from error
    try:
        module = made(**(arguments or {}))
    except Exception as error:  # the user's code may raise anything
        raise ConfigurationError(
            f"{factory}({', '.join(f'{k}={v!r}' for k, v in (arguments or {}).items())}) failed: "
            f"{type(error).__name__}: {error}; give what it needs with --module-args"
        ) from error
    if not isinstance(module, nn.Module):
        raise ConfigurationError(f"{factory} made a {type(module).__name__}; expected a torch.nn.Module")
    return module


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        state: dict[str, Tensor] = load_file(path)
    except Exception as error:  # (the library raises a dozen types on damaged files)
        raise RunError(f"{path} is not a safetensors file ({_first_line(error)})") from error
    return state


def _pickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise nearly anything
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f" (it asks for {named[1]})" if named else ""
        raise RunError(
            f"{path} is refused: it is no plain state dict{what}, and a pickle may run code when it is read. Nothing "
            "was run. Where you trust it, write its weights anew: torch.save(model.state_dict(), path), or safetensors"
        ) from error


def _kind_of(value: object) -> str:
    if isinstance(value, Mapping):
        keys = [str(key) for key in value]
        return f"a mapping with the keys {_some(keys)}" if keys else "an empty mapping"
    return f"a {type(value).__name__}"


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return ", ".join(ordered[:_NAMED]) + more


def _shape(tensor: object) -> str:
    return str(tuple(tensor.shape)) if isinstance(tensor, Tensor) else f"({type(tensor).__name__})"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
