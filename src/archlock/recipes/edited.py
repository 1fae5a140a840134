"""An edited network on disk: what it is built from, what was done to that, and weights. Nothing in it can run code.

``edited.json`` holds the base (see ``edited_base``), the heads that were found in it, the edits in their order, the
shape of every tensor, groups of layers, parameters that are one under two names, the name and SHA-256 of a safetensors
file, and what the network answers on two made-up images. To read it, the base is built anew, taken apart at the same
heads, edited and narrowed in the same way; the weights must fit it name by name, and it must answer what it answered.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import safetensors.torch
import torch
from torch import Tensor, nn

from archlock.decoding import decode
from archlock.errors import RunError, UnsupportedError
from archlock.models import (
    Disguise,
    Drop,
    Edit,
    FoundHead,
    Headed,
    Narrow,
    all_tensors,
    decoded_edits,
    edit_record,
    given_numbers,
    groups_of,
    recounted,
    resized,
    restructured,
    ties_of,
)
from archlock.recipes.edited_base import BASE, Base, built_base, read_base
from archlock.recipes.export import save_blueprint
from archlock.records import LATER, plain, write_atomic, write_json
from archlock.tasks import Framing

EDITED: Final = "edited.json"
WEIGHTS: Final = "edited.safetensors"
FORMAT: Final = 1
ALIKE: Final = 1e-3
"""Of the largest answer, by which two machines may differ."""
MOST_PIXELS: Final = 1 << 20
"""Of an image (a framing has as many at most), or steps of a signal."""
MOST_NUMBERS: Final = 1 << 24
"""Of an image with all its channels."""


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
    answers: tuple[tuple[float, ...], ...]
    """To :func:`made_up_images`."""
    ties: dict[str, str] = field(default_factory=dict, metadata=LATER)
    """Parameters that are others under a second name."""
    groups: dict[str, int] | None = field(default=None, metadata=LATER)
    """Of every layer with several groups, how many: what is narrowed may have fewer, which no tensor says."""


@dataclass(frozen=True, slots=True, eq=False)
class EditedNetwork:
    """What was read: a network in evaluation mode, and what an opened model says of itself."""

    module: nn.Module
    record: EditedRecord
    base: Base
    edits: tuple[Edit, ...]
    origin: str
    built_by: str


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
    """Write an edited network into a folder; returns the path of ``edited.json``, which is written last.

    A shape that :func:`check_shape` refuses raises RunError before anything is written.
    """
    check_shape(shape)
    state = {key: value.detach().cpu().clone().contiguous() for key, value in all_tensors(model).items()}
    content = safetensors.torch.save(state)
    tensors = {key: tuple(value.shape) for key, value in state.items()}
    weights = WeightsFile(WEIGHTS, hashlib.sha256(content).hexdigest())
    answers = tuple(map(tuple, answers_of(model, shape).tolist()))
    record = EditedRecord(
        name, shape, framing, base.heads, tensors, weights, dict(built_with), answers, ties_of(model), groups_of(model)
    )
    write_atomic(folder / WEIGHTS, content)
    if base.blueprint is not None:
        save_blueprint(base.blueprint, folder / BASE)
    described = {"format": FORMAT, "base": base.described, "edits": [edit_record(edit) for edit in edits]}
    return write_json(folder / EDITED, {**described, **plain(record)})


def open_edited(folder: Path, *, factory: str | None, arguments: Mapping[str, Any]) -> EditedNetwork:
    """The network of a folder with ``edited.json``, in evaluation mode.

    A base that only the user's code builds needs that code named, as it was when the folder was written
    (ConfigurationError). What is damaged, changed, of a newer format or does not fit together raises RunError, before
    memory is allocated for more than the file of weights holds.
    """
    path = folder / EDITED
    base, edits, record = _read(path)
    file = _checked_file(folder, record)
    built, built_by = built_base(base, record.framing, path, factory=factory, arguments=arguments)
    try:
        model = restructured(built, edits)
        before = {key: tuple(value.shape) for key, value in all_tensors(model).items()}
        model = resized(model, record.tensors, record.groups)
        _check_narrowed(before, edits, record)
    except (RunError, UnsupportedError) as error:
        raise RunError(f"{path} does not fit the network that it names: {error}") from error
    module = given_numbers(model, safetensors.torch.load_file(file), record.ties, name=str(file))
    _check_answers(module, record, path)
    recounted(module)
    done = ", ".join(f"{sum(type(edit) is kind for edit in edits)} x {kind.__name__.lower()}" for kind in _kinds(edits))
    return EditedNetwork(module, record, base, edits, f"{path}, edited ({done})", built_by)


def check_shape(shape: tuple[int, int, int]) -> None:
    """RunError for images of no such size, or of so many numbers that no edited network is written for them."""
    channels, height, width = shape
    if not (min(shape) >= 1 and height * width <= MOST_PIXELS and math.prod(shape) <= MOST_NUMBERS):
        raise RunError(
            f"images of {channels} x {height} x {width} (channels, height, width) are refused; expected 1 to "
            f"{MOST_PIXELS:,} pixels and at most {MOST_NUMBERS:,} numbers with all channels; nothing was allocated"
        )


def made_up_images(shape: tuple[int, int, int]) -> Tensor:
    """Two images that are the same everywhere: a ramp of all numbers, and one of every seventh of them."""
    size = math.prod(shape)
    ramp = torch.arange(size, dtype=torch.float64)
    return torch.stack([ramp / size, (7 * ramp) % size / size]).reshape(2, *shape).float()


def answers_of(model: nn.Module, shape: tuple[int, int, int]) -> Tensor:
    """To :func:`made_up_images`, in evaluation mode: images x numbers."""
    with torch.no_grad():
        answers: Tensor = model.eval()(made_up_images(shape)).flatten(1)
    return answers


def _check_answers(module: nn.Module, record: EditedRecord, path: Path) -> None:
    """RunError where the network does not answer what it answered when it was written."""
    outputs = {len(row) for row in record.answers}
    if len(record.answers) != 2 or len(outputs) != 1:
        raise RunError(f"{path} is damaged: answers are two lists of as many numbers, to two made-up images")
    try:
        got = answers_of(module, record.shape)
    except Exception as error:  # (what was put together wrongly may raise anything)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(f"{path} describes a network that does not work ({reason})") from error
    wanted = torch.tensor(record.answers, dtype=torch.float64)
    fits = got.shape == wanted.shape and wanted.numel() > 0
    apart = float((got.double() - wanted).abs().max()) if fits else float("inf")
    if not (math.isfinite(apart) and apart <= ALIKE * max(1e-6, float(wanted.abs().max()))):
        raise RunError(
            f"{path} describes a network that answers otherwise than when it was written (by {apart:.2g}); it was "
            "changed, or is read by other versions than those in built_with"
        )


def _check_narrowed(before: Mapping[str, tuple[int, ...]], edits: Sequence[Edit], record: EditedRecord) -> None:
    """RunError where edits say nothing of tensors that are smaller, or say that something went and nothing did."""
    given = [edit for edit in edits if isinstance(edit, Narrow)]
    wrong = [edit for edit in given if not 1 <= edit.kept <= edit.of]
    if wrong:
        raise RunError(f"{wrong[0]} keeps no number of units that there can be")
    shapes = record.tensors.items()
    smaller = [name for name, shape in shapes if before[name] != shape]
    if smaller and not given:
        raise RunError(f"the record lists {smaller[0]!r} with another shape, and no edit that narrows anything")
    hidden = any(isinstance(edit, Drop | Disguise) for edit in edits)  # (what was narrowed may be gone, or wider again)
    if not smaller and not hidden and any(edit.kept < edit.of for edit in given):
        raise RunError("edits narrow layers, and every tensor has the shape that it had")


def _kinds(edits: Sequence[Edit]) -> list[type[Edit]]:
    return list(dict.fromkeys(type(edit) for edit in edits))


def _read(path: Path) -> tuple[Base, tuple[Edit, ...], EditedRecord]:
    content = _json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise RunError(f"{path} has format {found!r}, this version reads {FORMAT}")
    base, edits = content.pop("base", None), content.pop("edits", None)
    content.pop("format")
    known = read_base(base, (), path)
    try:
        record = decode(EditedRecord, content)
        check_shape(record.shape)
        return Base(known.described, record.heads, known.blueprint), decoded_edits(edits), record
    except RunError as error:
        raise RunError(f"{path} is damaged: {error}") from error


def _json(path: Path) -> Any:
    """A JSON file in which no name is given twice and every number is one."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise RunError(f"{path} is damaged: it has {twice!r} twice")
        return dict(pairs)

    def never(word: str) -> None:
        raise RunError(f"{path} is damaged: {word} is no number of JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once, parse_constant=never)
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: it is no JSON file ({type(error).__name__}: {error})") from error


def _checked_file(folder: Path, record: EditedRecord) -> Path:
    """The file of weights, which must be the one that was written and hold what is listed; nothing is allocated."""
    name = record.weights.file
    if Path(name).name != name or not name.endswith(".safetensors"):
        raise RunError(f"{folder / EDITED} names {name!r} as its weights; expected a .safetensors file beside it")
    path = folder / name
    if not path.is_file():
        raise RunError(f"{path} is missing; expected the weights of the edited network there")
    asked, held = sum(map(math.prod, record.tensors.values())), path.stat().st_size
    if any(size < 0 for shape in record.tensors.values() for size in shape) or asked > held:
        raise RunError(
            f"{folder / EDITED} asks for {asked:.3g} numbers, but {name} has {held} bytes; nothing was allocated"
        )
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != record.weights.sha256:
        raise RunError(f"{path} is not the file that was written with {EDITED} (another SHA-256); copy both again")
    try:
        with safetensors.safe_open(path, framework="pt") as opened:
            shapes = {key: tuple(opened.get_slice(key).get_shape()) for key in opened.keys()}  # noqa: SIM118
    except Exception as error:  # (the library raises a dozen types on damaged files)
        raise RunError(f"{path} is not a safetensors file ({str(error).splitlines()[0]})") from error
    different = sorted(key for key in shapes.keys() | record.tensors if shapes.get(key) != record.tensors.get(key))
    if different:
        one = different[0]
        raise RunError(
            f"{path} holds other tensors than {EDITED} lists ({len(different)}, such as {one!r}: "
            f"{shapes.get(one, 'none')} in the file, {record.tensors.get(one, 'none')} in the list); copy both again"
        )
    return path
