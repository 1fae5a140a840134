"""What makes a target task out of a source task, using nothing but the source task.

Some targets are made from the source's images; others are drawn, and take no more of it than the number, size and
channels of its images.

A simulated target is a real task: its train, validation and test splits come from the splits of the same name, so what
was never to be looked at in the source is never looked at in the target either.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from archlock.errors import UnsupportedError
from archlock.seeding import rng_for
from archlock.tasks.kinds import Kind
from archlock.tasks.simulated.blockwise import blockwise, fewer
from archlock.tasks.task import Split, Task

Change = Callable[[Split, np.random.Generator], Split]
"""One split of the source to the split of the same name of the target."""


class Simulator(ABC):
    """A way to simulate targets. Members are stateless; one instance serves everybody."""

    name: str
    """Name in the catalog ``archlock.tasks.SIMULATORS``."""
    description: str
    """What the target asks of a model, for the documentation and the report: half a sentence."""
    draws: bool = False
    """Whether its images are drawn, and nothing of the source's images is in them."""

    @abstractmethod
    def obstacle(self, source: Task, /) -> str:
        """Why the source cannot be used, in words; empty if it can."""

    @abstractmethod
    def simulate(self, source: Task, *, seed: int) -> Task:
        """The target, named for example ``jigsaw(digits)``; a function of the source and the seed alone.

        Images keep the shape of the source. Raises UnsupportedError for a source with an obstacle.
        """

    def supports(self, source: Task) -> bool:
        """Whether a target can be made from the source."""
        return not self.obstacle(source)


def derived(
    simulator: Simulator,
    source: Task,
    change: Change,
    *,
    detail: str,
    kind: Kind = "classification",
    classes: tuple[str, ...] = (),
    name: str | None = None,
    relabels: bool = False,
    seed: int,
) -> Task:
    """The target made by changing every split of the source by itself, each with its own chance.

    ``relabels``: the images stay as they are; any other change of images that are on disk is made ``blockwise``.
    ``detail`` ends the sentence "simulated from ...: ", or "drawn at the size of ...: ". UnsupportedError for a source
    with an obstacle.
    """
    check_supported(simulator, source)
    label = simulator.name if name is None else name
    few, said = (source, "") if relabels else fewer(source, seed=seed)

    def made_of(split_name: str, split: Split) -> Split:
        if split.stored and not relabels:
            return blockwise(change, split, seed=seed, name=(source.fingerprint, simulator.name, split_name))
        return change(split, rng_for(seed, "simulated", simulator.name, split_name))

    train, validation, test = (
        made_of(split_name, split)
        for split_name, split in (("train", few.train), ("validation", few.validation), ("test", few.test))
    )
    made = "drawn at the size of" if simulator.draws else "simulated from"
    return Task(
        name=f"{label}({source.name})",
        kind=kind,
        classes=classes,
        train=train,
        validation=validation,
        test=test,
        origin=f"{made} {source.name} ({source.origin}): {detail}{said}",
        form=source.form,
    )


def check_supported(simulator: Simulator, source: Task) -> None:
    """UnsupportedError, in words, for a source that the simulator cannot use."""
    obstacle = simulator.obstacle(source)
    if obstacle:
        raise UnsupportedError(f"{simulator.name} cannot be simulated from {source.name!r}: {obstacle}")


def needs_classes(source: Task, least: int) -> str:
    """Obstacle of a simulator that relabels: fewer classes than it needs, or none at all."""
    if not source.traits.has_classes:
        return "it has no classes"
    if len(source.classes) < least:
        return f"it has {len(source.classes)} classes, at least {least} are needed"
    return ""


def needs_examples(source: Task, least: int) -> str:
    """Obstacle of a simulator that makes up its own classes: too few training images for one of each."""
    if len(source.train) < least:
        return (
            f"it has {len(source.train)} training {source.words}, at least {least} are needed (one for each new class)"
        )
    return ""


def needs_side(source: Task, least: int) -> str:
    """Obstacle of a simulator that needs room in the image; signals have none."""
    if source.form == "signal":
        return "it holds signals, not images"
    _, height, width = source.shape
    if min(height, width) < least:
        return f"its images are {height} x {width}, at least {least} x {least} are needed"
    return ""


def needs_levels(source: Task) -> str:
    """Obstacle of a simulator that changes levels of 0 to 255."""
    if source.form == "signal":
        return "it holds signals, not images"
    return "its values are measured, not levels of 0 to 255" if source.measured else ""


def needs_length(source: Task, least: int) -> str:
    """Obstacle of a simulator of signals: no signals, or too short ones."""
    if source.form != "signal":
        return "it holds images, not signals"
    length = source.shape[2]
    return f"its signals have {length} steps, at least {least} are needed" if length < least else ""


def balanced_labels(count: int, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Random labels such that every class has its share, to within one example."""
    return (np.arange(count, dtype=np.int64) % classes)[rng.permutation(count)]
