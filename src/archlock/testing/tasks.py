"""What every simulator must keep: ``for check in SIMULATOR_CHECKS: check(simulator, source)``.

Plug-in authors run it on a simulator of their own; :func:`example_source` makes sources of any shape.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from archlock.seeding import rng_for
from archlock.tasks import Form, Simulator, Split, Task

SHAPES = ((1, 8, 8), (3, 16, 16), (3, 17, 11), (1, 9, 14), (4, 10, 10))
SIGNAL_SHAPES = ((1, 1, 40), (3, 1, 33))


def example_source(
    shape: tuple[int, int, int], *, form: Form = "image", classes: int = 6, examples: int = 48, seed: int = 0
) -> Task:
    """A small classification task of blurred noise: each class has its own pattern, weakly visible.

    Signals are measured values between -1 and 1.
    """
    channels, height, width = shape
    patterns = rng_for(seed, "patterns").integers(0, 256, (classes, height, width, channels))

    def split(name: str, count: int) -> Split:
        rng = rng_for(seed, name)
        labels = rng.permutation(np.arange(count, dtype=np.int64) % classes)
        noise = rng.integers(0, 256, (count, height, width, channels))
        levels = (patterns[labels] // 2 + noise // 2).astype(np.uint8)
        return Split(levels if form == "image" else levels.astype(np.float32) / 127 - 1, labels)

    names = tuple(f"kind {label}" for label in range(classes))
    splits = (split("train", examples), split("validation", examples // 2), split("test", examples // 2))
    return Task("example", "classification", names, *splits, origin="made up for a test", form=form)


def makes_a_whole_task(simulator: Simulator, source: Task) -> None:
    """Images keep their shape, every class can be learned, and the name says what was made of what."""
    target = simulator.simulate(source, seed=0)
    assert target.shape == source.shape
    assert f"({source.name})" in target.name
    assert source.name in target.origin
    assert target.fingerprint != source.fingerprint
    assert simulator.description
    for name in ("train", "validation", "test"):
        assert 0 < len(getattr(target, name)) <= len(getattr(source, name))
    if target.traits.has_classes:
        assert set(target.train.targets.tolist()) == set(range(len(target.classes)))
        assert len(set(target.classes)) == len(target.classes)


def is_a_function_of_source_and_seed(simulator: Simulator, source: Task) -> None:
    """Same source and seed, same bits, whatever random numbers were taken in between."""
    first = simulator.simulate(source, seed=3)
    simulator.simulate(source, seed=4)
    assert simulator.simulate(source, seed=3).fingerprint == first.fingerprint


def leaves_the_source_alone(simulator: Simulator, source: Task) -> None:
    """The source's arrays are read, never written."""
    kept = [array.copy() for array in _arrays(source)]
    simulator.simulate(source, seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(kept, _arrays(source), strict=True))


def never_mixes_splits(simulator: Simulator, source: Task) -> None:
    """With other test images in the source, train and validation of the target are the same; and so on."""
    target = simulator.simulate(source, seed=0)
    stranger = example_source(source.shape, form=source.form, classes=len(source.classes), seed=1)
    for name in ("test", "validation"):
        other_split: dict[str, Any] = {name: getattr(stranger, name)}
        changed = simulator.simulate(replace(source, **other_split), seed=0)
        for other in {"train", "validation", "test"} - {name}:
            before, after = getattr(target, other), getattr(changed, other)
            assert np.array_equal(before.images, after.images)
            assert np.array_equal(before.targets, after.targets)


def says_whether_it_draws(simulator: Simulator, source: Task) -> None:
    """Drawn images are the same whatever the source shows; made ones are not."""
    splits = {name: getattr(source, name) for name in ("train", "validation", "test")}
    dark: dict[str, Any] = {name: Split(split.images // 2, split.targets) for name, split in splits.items()}
    one, other = (simulator.simulate(task, seed=0) for task in (source, replace(source, **dark)))
    assert simulator.draws == np.array_equal(one.train.images, other.train.images)


def _arrays(task: Task) -> list[np.ndarray]:
    splits = (task.train, task.validation, task.test)
    return [array for split in splits for array in (split.images, split.targets)]


SIMULATOR_CHECKS: tuple[Callable[[Simulator, Task], None], ...] = (
    makes_a_whole_task,
    is_a_function_of_source_and_seed,
    leaves_the_source_alone,
    never_mixes_splits,
    says_whether_it_draws,
)
"""Every promise a simulator makes."""
