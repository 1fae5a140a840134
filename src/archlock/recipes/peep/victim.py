"""The model itself: its true operators, and recordings of it in processes of their own."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from archlock.decoding import decode
from archlock.errors import ConfigurationError, UnsupportedError
from archlock.execution import one_after_another
from archlock.leaks import OBSERVERS, Observation, Operator, Recording, watch_sizes
from archlock.models import copy_without_old_hooks
from archlock.progress import Progress
from archlock.recipes.opening import OpenedModel, open_model
from archlock.recipes.peep.library import Part, Shape, record_module
from archlock.records import read_json, write_json

RECORDINGS: Final = "recordings"
BUSY_REPEATABILITY: Final = 0.9
"""Below it the machine was busy, and what was read is not judged."""
MOST_OTHER: Final = 0.1
"""Share of operators without a name above which a reader that has not seen them is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A model whose execution is observed."""

    opened: OpenedModel
    shape: Shape
    operators: tuple[Operator, ...]
    sizes: tuple[int, ...]
    """Of each operator: bytes that it asks for."""
    notes: tuple[str, ...]

    @property
    def family(self) -> str:
        """The space of a network of ours; empty for a stranger's."""
        signature = self.opened.blueprint
        return signature.architecture.space if signature is not None else _space_of(self.opened.module)


def victim_of(
    model: str | Path | nn.Module | OpenedModel, *, size: tuple[int, int] | None = None, channels: int | None = None
) -> Victim:
    """The model with its true operators; what cannot be observed raises UnsupportedError in words."""
    opened = _opened(model, size, channels)
    if opened.shape is None:
        raise ConfigurationError(
            f"{opened.name} does not say which images it takes; give their height and width with --size, as in "
            "--size 224,224"
        )
    asked = watch_sizes(opened.module, opened.shape)
    other = sum(one.kind == "other" for one in asked.operators) / len(asked.operators)
    notes = list(opened.notes)
    if isinstance(model, nn.Module) and any(one.training for one in model.modules()):
        notes.append("the model was given in training mode; it is observed in evaluation mode, as it would be used")
    if other:
        words = f"{other:.0%} of its operators have no name here and are read as 'other'"
        notes.append(words + ("; readers have hardly seen such ones" if other > MOST_OTHER else ""))
    return Victim(opened, opened.shape, asked.operators, asked.sizes, tuple(notes))


def recordings_of(
    victim: Victim, parts: Sequence[Part], *, count: int, folder: Path, progress: Progress
) -> tuple[Recording, ...]:
    """So many recordings, each in a process of its own, one after another; those in the folder are not made again."""
    paths = [folder / RECORDINGS / f"{number:02d}.json" for number in range(count)]
    waiting = [path for path in paths if not path.exists()]
    progress.begin("recordings of the model, each in a process of its own", count, count - len(waiting))
    module = deepcopy(victim.opened.module).eval()
    for path, made in zip(
        waiting, one_after_another(_recorded, (module, victim.shape, tuple(parts)), range(len(waiting))), strict=True
    ):
        write_json(path, made)
        progress.advance(1)
    found = tuple(decode(Recording, read_json(path), where=str(path)) for path in paths)
    if any((one.sizes, len(one.seconds)) != (found[0].sizes, len(found[0].seconds)) for one in found):
        raise UnsupportedError(
            f"{victim.opened.name} asks for other bytes in another process; readers need the same trace each time"
        )
    return found


def repeatability(observations: Sequence[Observation]) -> float | None:
    """1 less the median over all numbers of (most - least) / least over recordings; None of a single recording."""
    if len(observations) < 2:
        return None
    columns = [np.array([*one.seconds, *one.latencies, *one.sizes]) for one in observations]
    values = np.stack(columns)
    least = np.maximum(values.min(0), 1e-9)
    return max(0.0, 1.0 - float(np.median((values.max(0) - values.min(0)) / least)))


def parts_of(observers: Sequence[str]) -> tuple[Part, ...]:
    """What must be recorded for these observers."""
    chosen = [OBSERVERS[name] for name in observers]
    parts: list[Part] = ["sizes"]
    if any(one.time for one in chosen):
        parts.append("times")
    if any(one.calls for one in chosen):
        parts.append("calls")
    return tuple(parts)


def _recorded(shared: tuple[nn.Module, Shape, tuple[Part, ...]], _: int) -> Recording:
    module, shape, parts = shared
    return record_module(module, shape, parts)


def _opened(
    model: str | Path | nn.Module | OpenedModel, size: tuple[int, int] | None, channels: int | None
) -> OpenedModel:
    if isinstance(model, OpenedModel):
        return model
    if not isinstance(model, nn.Module):
        return open_model(model, size=size, channels=channels)
    module: Any = copy_without_old_hooks(model).cpu().float().eval()
    signature = getattr(module, "signature", None)
    shape = None if size is None else (channels or _channels(module), *size)
    return OpenedModel(
        module, type(model).__name__, "a module given in Python", shape or getattr(signature, "shape", None)
    )


def _channels(module: nn.Module) -> int:
    convolution = next((one for one in module.modules() if isinstance(one, nn.Conv2d)), None)
    return 3 if convolution is None else convolution.in_channels


def _space_of(module: nn.Module) -> str:
    architecture = getattr(module, "architecture", None)
    return "" if architecture is None else str(architecture.space)
