"""A model as it is given to a recipe that writes what it makes of it, and must be able to build it anew."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from archlock.errors import ConfigurationError, RunError, UnsupportedError
from archlock.models import Headed, as_plain_module
from archlock.recipes.edited import EDITED, open_edited, save_edited
from archlock.recipes.edited_base import Base
from archlock.recipes.opening import OpenedModel, open_model


def open_given(
    model: str | Path | nn.Module | OpenedModel, *, factory: str | None, arguments: Mapping[str, Any] | None
) -> OpenedModel:
    """The model, opened as :func:`open_model` does; what is open stays as it is.

    Of a module the factory is what builds it anew, from its file; without one a classifier of transformers says itself
    what it is, and takes images in [0, 1] as they are.
    """
    if isinstance(model, OpenedModel):
        return model
    if not isinstance(model, nn.Module):
        return open_model(model, factory=factory, arguments=arguments)
    of_library = as_plain_module(model) if factory is None else None
    if of_library is None:
        return open_model(model)
    opened = open_model(of_library)
    return replace(opened, name=type(model).__name__, origin=f"a {type(model).__name__} of transformers")


def check_built_anew(
    opened: OpenedModel,
    ready: Headed,
    base: Base,
    shape: tuple[int, int, int],
    *,
    factory: str | None,
    arguments: Mapping[str, Any],
) -> None:
    """ConfigurationError where a module (``ready``: as body and head) would be another if it were written and read.

    It is written for a trial, and nothing of that is left.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        save_edited(
            folder, ready, opened.edits, base, name=opened.name, shape=shape, framing=opened.framing, built_with={}
        )
        try:
            open_edited(folder, factory=factory, arguments=arguments)
        except (RunError, UnsupportedError) as error:
            by = "its configuration" if factory is None else f"{factory} with the arguments {dict(arguments)}"
            said = str(error).replace(str(folder / EDITED), "what was written")
            raise ConfigurationError(f"{opened.name} is not what {by} builds: {said}") from error
