"""What was made of an opened model, on disk: written, read again, and held against what was to be written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archlock.errors import ArchLockError, RunError, UnsupportedError
from archlock.models import Edit, Headed
from archlock.recipes.edited import EDITED, WEIGHTS, answers_of, open_edited, save_edited
from archlock.recipes.edited_base import BASE, Base
from archlock.recipes.opening import OpenedModel
from archlock.recipes.task_records import versions


def stored(
    folder: Path,
    opened: OpenedModel,
    model: nn.Module,
    edits: Sequence[Edit],
    base: Base,
    *,
    shape: tuple[int, int, int],
    factory: str | None,
    arguments: Mapping[str, Any] | None,
    name: str | None = None,
) -> nn.Module:
    """Write a model that edits made of an opened one (``name``: by default as that), and answer what is read again.

    Both answer the same bits. RunError where what was written cannot be read, or answers otherwise: then nothing of it
    is left. The weights of ``model`` are put into the order in which files have them, in place.
    """
    if not isinstance(model, Headed):
        raise UnsupportedError(f"{type(model).__name__} has no head that is known; see as_classifier")
    _as_in_files(model)
    save_edited(
        folder,
        model,
        (*opened.edits, *edits),
        base,
        name=name or opened.name,
        shape=shape,
        framing=opened.framing,
        built_with=versions(),
    )
    try:
        again = open_edited(folder, factory=factory, arguments=arguments or {}).module
        if not torch.equal(answers_of(again, shape), answers_of(model, shape)):
            raise RunError(f"{folder / EDITED} was written and answers otherwise when it is read; please report it")
    except ArchLockError:
        for file in (EDITED, WEIGHTS, BASE):
            (folder / file).unlink(missing_ok=True)
        raise
    return again


def _as_in_files(model: nn.Module) -> None:
    """Weights in the order in which files have them, on the CPU: otherwise answers differ in their last bits."""
    for value in model.cpu().eval().parameters():
        value.data = value.data.clone(memory_format=torch.contiguous_format)
