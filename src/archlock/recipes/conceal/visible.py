"""What the visible architecture is worth to a thief who trains it: the criterion of ObfuNAS (Zhou et al., ICCAD 2022).

There the score of a remapped cell is looked up in a table; here what runs is trained shortly on the owner's data, with
new random weights. Deviation: what runs has its normalisations folded away, which any thief would put back, so one
stands behind every convolution that is seen as one. One training each, at one setting: a hint, no measurement.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torch import nn

from archlock.decoding import decode
from archlock.errors import ConfigurationError, MeasurementError
from archlock.models import Disguised, convolutions_of, reinitialised
from archlock.progress import Progress
from archlock.records import read_json, write_json
from archlock.seeding import derive_seed
from archlock.tasks import Task, share_of
from archlock.training import Plan, fit

EPOCHS: Final = 5
EXAMPLES: Final = 2000
SPARED: Final = 0.8
"""Share of the best skeleton error that a disguise must have to be taken for its visible architecture."""


@dataclass(frozen=True, slots=True)
class Visible:
    """A training of what is seen."""

    score: float | None
    """On the validation split; None where it diverged."""


def check_trainable(source: object, worse: int) -> None:
    """ConfigurationError where visible architectures are to be trained and there is nothing to train them on."""
    if worse > 1 and source is None:
        raise ConfigurationError(
            "visible architectures are trained on data; give the model's own with --source, or leave out --worse"
        )


def visible_network(model: nn.Module) -> nn.Module:
    """A copy of what runs, with a new normalisation behind every convolution and every joined set of branches."""
    copy = deepcopy(model)
    rows = [part for part in copy.modules() if isinstance(part, Disguised)]
    inside = {id(part) for row in rows for part in row.modules()}
    names = [name for name in convolutions_of(copy) if id(copy.get_submodule(name)) not in inside]
    for name in names:
        parent, _, child = name.rpartition(".")
        setattr(copy.get_submodule(parent), child, _normalised(copy.get_submodule(name)))
    for row in rows:
        for place, part in enumerate(row.row):
            if hasattr(part, "out_channels"):
                row.row[place] = _normalised(part)
    return copy


def worth_of_visible(
    models: Sequence[nn.Module], task: Task, *, folder: Path, seed: int, progress: Progress
) -> tuple[Visible, ...]:
    """Each of them trained from scratch by the same short plan; trainings that lie in the folder are not done again."""
    few = share_of(task, EXAMPLES, seed=seed)
    progress.begin("trainings of visible architectures", len(models))
    found = []
    for number, model in enumerate(models):
        path = folder / f"visible-{number}.json"
        if not path.exists():
            write_json(path, _trained(model, few, seed))
        found.append(decode(Visible, read_json(path), where=str(path)))
        progress.advance(1)
    return tuple(found)


def _trained(model: nn.Module, task: Task, seed: int) -> Visible:
    own = derive_seed(seed, "visible")
    try:
        return Visible(fit(reinitialised(model, seed=own), task, Plan(EPOCHS), seed=own).validation)
    except MeasurementError:
        return Visible(None)


def _normalised(part: nn.Module) -> nn.Module:
    channels = part.out_channels
    assert isinstance(channels, int)
    return nn.Sequential(part, nn.BatchNorm2d(channels))
