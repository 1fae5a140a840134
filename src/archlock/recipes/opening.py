"""Open anybody's trained model for an attack: ours, one in the layout of Hugging Face, or a file of weights.

Reading weights never runs code. A file of weights does not say which network it belongs to, so the user names what
builds it. That is their own code, and the only code that runs here. Nothing is downloaded.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

import torch
from torch import Tensor, nn

from archlock.errors import ConfigurationError, MeasurementError, RunError, UnsupportedError
from archlock.models import (
    HUGGING_FACE_PREFIX,
    Edit,
    HuggingFaceClassifier,
    Network,
    copy_without_old_hooks,
    described_classifier,
    filled,
    load_weights,
    module_from_factory,
    open_classifier,
    read_parts,
)
from archlock.recipes.edited import EDITED, open_edited
from archlock.recipes.edited_base import Base
from archlock.recipes.export import Blueprint, build_blueprint, load_blueprint
from archlock.tasks import Framing, Signature, Task, conform, conform_to, open_tasks

FORMS: Final = (
    "a lock run's directory | a folder of ours (architecture.json, *.safetensors) | an edited network (edited.json) | "
    "a Hugging Face folder (config.json, model.safetensors) | hf:NAME from the local cache | a .safetensors, .pt or "
    ".pth file with --module"
)
"""The texts that :func:`open_model` understands, in words."""
BLUEPRINT: Final = "architecture.json"

Shape = tuple[int, int, int]


class HowRead(TypedDict, total=False):
    """How data are read for a model (see :func:`~archlock.tasks.open_tasks`)."""

    skip_bad: bool
    cache: Path | None
    progress: Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedModel:
    """A trained model that can be attacked: images in [0, 1] in, logits out; in evaluation mode and float32."""

    module: nn.Module
    name: str
    origin: str
    """Where it was read from, and how, in words."""
    shape: Shape | None
    """Channels, height and width of its images; None where nobody said: then targets are taken as they are."""
    blueprint: Blueprint | None = None
    """For a network of ours, what it is built from."""
    framing: Framing | None = None
    """How images of any size are brought to its own, where the checkpoint says so."""
    built_by: str = ""
    """What made the module, with its arguments, where the user said; the same in every process."""
    base: Base | None = None
    """Of an edited network: what it was built from before."""
    edits: tuple[Edit, ...] = ()
    """What was done to that."""
    notes: tuple[str, ...] = ()
    """What was done to open it that the user should know, in sentences."""

    @property
    def reading(self) -> Framing | None:
        """How to open data for it (``image_size`` of every source): by default the largest centred window of its form.

        None where its size is not known, and of a model of signals, which have no framing.
        """
        if self.shape is None or self.takes_signals:
            return self.framing
        return self.framing or Framing(*self.shape[1:])

    @property
    def signature(self) -> Signature | None:
        """What a network of ours was built for."""
        if self.blueprint is not None:
            return self.blueprint.signature
        return self.module.signature if isinstance(self.module, Network) else None

    @property
    def takes_signals(self) -> bool:
        """Whether the model takes signals, as far as anybody says."""
        return self.signature is not None and self.signature.form == "signal"

    def read(self, text: str, *, seed: int, **how: Unpack[HowRead]) -> Task:
        """The data that a text or path names (see ``open_task``), at the size that the model takes."""
        return self.read_all([text], seed=seed, **how)[0]

    def read_all(self, texts: Sequence[str], *, seed: int, **how: Unpack[HowRead]) -> list[Task]:
        """Several of them; different data have different names."""
        return open_tasks(texts, image_size=self.reading, signals=self.takes_signals, seed=seed, **how)

    def fitting(self, task: Task) -> Task:
        """The task as the model takes it; UnsupportedError for data of another form than a network of ours takes."""
        if self.shape is None:
            return task
        if self.signature is not None:
            return conform_to(task, replace(self.signature, shape=self.shape), framing=self.framing)
        return conform(task, self.shape, framing=self.framing)


def open_model(
    model: str | Path | nn.Module,
    *,
    factory: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> OpenedModel:
    """The trained model that a text or path names (see FORMS), or a copy of a module.

    ``factory`` (``package.module:callable``) and its keyword ``arguments`` build the module of a file of weights.
    ``size`` (height, width) and ``channels`` say what images it takes, where the checkpoint does not; channels are by
    default those of its first convolution. A text that names nothing raises ConfigurationError; a checkpoint that is
    damaged, unsafe or of another network RunError.
    """
    opened = _as_it_is(model) if isinstance(model, nn.Module) else _read(str(model), factory, arguments or {})
    edited = isinstance(model, str | Path) and (Path(model).expanduser() / EDITED).is_file()
    if factory is not None and not edited and not (isinstance(model, str | Path) and Path(model).is_file()):
        raise ConfigurationError(
            f"--module is for a file of weights; {opened.name} already says what it is built from, so leave it out"
        )
    shaped = _with_shape(opened, size, channels)
    if shaped.shape is None and factory is not None:
        raise ConfigurationError(
            f"{model} does not say which images its network takes; give their height and width with --size, as in "
            "--size 224,224"
        )
    return shaped if shaped.shape is None else with_head(shaped, shaped.shape)


def with_head(opened: OpenedModel, shape: Shape) -> OpenedModel:
    """The model as attackers take it, body and head, for images of that shape; see ``as_classifier`` for refusals."""
    try:
        module, found = described_classifier(opened.module, shape)
    except (UnsupportedError, MeasurementError) as error:
        raise UnsupportedError(f"{opened.name} cannot be taken as a body with a head: {error}") from error
    return replace(opened, module=module.eval(), origin=f"{opened.origin}; {found}" if found else opened.origin)


def _read(text: str, factory: str | None, arguments: Mapping[str, Any]) -> OpenedModel:
    path = Path(text).expanduser()
    if text.startswith(HUGGING_FACE_PREFIX):
        return _hugging_face(text, text.removeprefix(HUGGING_FACE_PREFIX))
    if text and path.is_dir():
        if (path / EDITED).exists():
            return _edited(path, factory, arguments)
        if (path / BLUEPRINT).exists():
            return _released(path, _weights_in(path))
        if (path / "config.json").exists():
            return _hugging_face(str(path), path.resolve().name)
        raise RunError(
            f"{path} holds no model: it has neither result.json (a lock run) nor {BLUEPRINT} (a released model of "
            f"ours) nor {EDITED} (an edited network) nor config.json (Hugging Face); expected {FORMS}"
        )
    if text and path.is_file():
        return _file(path, factory, arguments)
    raise ConfigurationError(f"no model {text!r}: no such file or folder; expected {FORMS}")


def _as_it_is(module: nn.Module) -> OpenedModel:
    copy = copy_without_old_hooks(module).cpu().float().eval()
    name = type(module).__name__
    shape = copy.signature.shape if isinstance(copy, Network) else None
    kinds = module.kinds if isinstance(module, HuggingFaceClassifier) else {one.dtype for one in module.parameters()}
    return OpenedModel(copy, name, "a module given in Python", shape, notes=_precision_notes(kinds))


def _released(folder: Path, weights: Path) -> OpenedModel:
    blueprint = load_blueprint(folder / BLUEPRINT)
    module = load_weights(build_blueprint(blueprint), weights).eval()
    origin = f"{weights}, built from {folder / BLUEPRINT}"
    return OpenedModel(module, str(blueprint.architecture), origin, blueprint.signature.shape, blueprint)


def _edited(folder: Path, factory: str | None, arguments: Mapping[str, Any]) -> OpenedModel:
    found = open_edited(folder, factory=factory, arguments=arguments)
    record = found.record
    return OpenedModel(
        found.module,
        record.name,
        found.origin,
        record.shape,
        framing=record.framing,
        built_by=found.built_by,
        base=found.base,
        edits=found.edits,
    )


def _weights_in(folder: Path) -> Path:
    """The file of weights beside a blueprint: the locked model's, or the only one there is."""
    locked, found = folder / "locked.safetensors", sorted(folder.glob("*.safetensors"))
    if locked in found:
        return locked
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise RunError(f"{folder} should hold one .safetensors file beside {BLUEPRINT}; found {names}; name the file")
    return found[0]


def _hugging_face(text: str, name: str) -> OpenedModel:
    module, shape = open_classifier(text)
    return OpenedModel(
        module,
        name,
        f"{text}, a {type(module.body).__name__} of transformers",
        shape,
        framing=module.framing,
        notes=_precision_notes(module.kinds),
    )


def _file(path: Path, factory: str | None, arguments: Mapping[str, Any]) -> OpenedModel:
    if factory is None and path.suffix == ".safetensors" and (path.parent / BLUEPRINT).exists():
        return _released(path.parent, path)
    parts = read_parts(path)
    if factory is None:
        raise ConfigurationError(
            f"{path} holds weights, but not the network they belong to; name what builds it with --module "
            "package.module:callable, and --module-args for its arguments"
        )
    module, taken = filled(module_from_factory(factory, arguments), parts, name=str(path))
    words = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return OpenedModel(
        module,
        path.stem,
        f"{path}{f' ({taken})' if taken else ''}, built by {factory}({words})",
        None,
        built_by=re.sub(" at 0x[0-9a-f]+", "", f"{factory}({words})"),
        notes=(*([f"of {path} was taken {taken}"] if taken else []), *_precision_notes(_kinds_in(parts, module))),
    )


def _precision_notes(kinds: Iterable[torch.dtype]) -> tuple[str, ...]:
    """What is said of a model whose numbers are not in the precision in which it is used."""
    known = {one for one in kinds if one.is_floating_point and one != torch.float32}
    if not known:
        return ()
    words = ", ".join(sorted(str(one).removeprefix("torch.") for one in known))
    return (
        f"the model was given in {words}; it is used, and what is made of it is written, in single precision (float32)",
    )


def _kinds_in(parts: Mapping[str, Mapping[str, Tensor]], module: nn.Module) -> set[torch.dtype]:
    """Types of what a file holds under the names of a module, whatever stands before them."""
    names = {name for name, _ in module.named_parameters()}

    def named(key: str) -> bool:
        pieces = key.split(".")
        return any(".".join(pieces[place:]) in names for place in range(len(pieces)))

    return {value.dtype for state in parts.values() for key, value in state.items() if named(key)}


def _with_shape(opened: OpenedModel, size: tuple[int, int] | None, channels: int | None) -> OpenedModel:
    if size is None and (channels is None or opened.shape is None):
        if channels is not None:
            raise ConfigurationError(f"--channels {channels} needs the height and width too; give --size")
        return opened
    known = opened.shape
    asked = (
        channels or (known[0] if known else _first_channels(opened.module)),
        *(size or (known[1:] if known else (0, 0))),
    )
    if opened.blueprint is not None and known != asked:
        raise ConfigurationError(
            f"{opened.name} takes images of channels x height x width {known}, not {asked}; leave out --size and "
            "--channels"
        )
    if min(asked) < 1:
        raise ConfigurationError(f"channels, height and width of images are at least 1; got {asked}")
    return replace(opened, shape=asked, framing=opened.framing if known == asked else None)


def _first_channels(module: nn.Module) -> int:
    """Channels that the first convolution takes; three where there is none."""
    convolution = next((m for m in module.modules() if isinstance(m, nn.Conv2d)), None)
    return 3 if convolution is None else convolution.in_channels
