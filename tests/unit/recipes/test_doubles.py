"""One data set under two names, and single images that two share."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from archlock.errors import ConfigurationError
from archlock.recipes.doubles import doubles, overlap, refuse_doubles
from archlock.tasks import Split, Task, conform
from tiny_runs import tiny_source, tiny_target


def photos(seed: int = 0, count: int = 60, side: int = 16, classes: int = 3) -> Task:
    """Noise with a bar at the place of the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % classes
    images = rng.integers(0, 110, (count, side, side, 3)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 + 4 * label : 5 + 4 * label] = 220
    cut = [slice(0, count // 2), slice(count // 2, 3 * count // 4), slice(3 * count // 4, count)]
    splits = [Split(images[part], labels[part]) for part in cut]
    return Task(f"photos {seed}", "classification", tuple("abc"[:classes]), *splits, origin="made here")


def everything(task: Task) -> tuple[np.ndarray, np.ndarray]:
    splits = (task.train, task.validation, task.test)
    return np.concatenate([s.images for s in splits]), np.concatenate([s.targets for s in splits])


def remade(task: Task, rows: np.ndarray, images: np.ndarray, labels: np.ndarray, **changes: object) -> Task:
    """The task made of these rows, split anew."""
    third = len(rows) // 3
    parts = (rows[: 2 * third], rows[2 * third : -third // 2], rows[-third // 2 :])
    train, validation, test = (Split(images[part], labels[part]) for part in parts)
    return replace(task, train=train, validation=validation, test=test, **changes)  # type: ignore[arg-type]


def shuffled(task: Task) -> Task:
    """The same images in another order, split in another way, with other names of the classes in another order."""
    images, labels = everything(task)
    rows = np.random.default_rng(7).permutation(len(labels))
    turned = (labels + 1) % len(task.classes)
    return remade(task, rows, images, turned, name="a copy", classes=tuple("xyz"[: len(task.classes)]))


def as_jpeg(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=95, subsampling=0)
    return np.asarray(Image.open(stream))


def test_a_copy_is_the_same_task_whatever_its_order_and_names() -> None:
    task = photos()
    for copy in (task, replace(task, name="copy"), shuffled(task)):
        found = overlap(copy, task)
        assert (found.shared, found.images, found.same) == (60, 60, True)


def test_a_copy_that_was_saved_again_is_the_same_task() -> None:
    large = photos(side=32)
    source, target = conform(large, (3, 16, 16)), conform(conform(large, (3, 24, 24)), (3, 16, 16))
    assert overlap(target, source).same
    images, labels = everything(source)
    jpeg = remade(source, np.arange(60), np.stack([as_jpeg(image) for image in images]), labels, name="as JPEG")
    found = overlap(jpeg, source)
    assert (found.shared, found.same) == (0, True)


def test_other_images_of_the_same_kind_are_another_task() -> None:
    assert not overlap(photos(1), photos(0)).same
    assert overlap(photos(1), photos(0)).shared == 0
    assert not overlap(tiny_source(seed=1), tiny_target()).same
    images, labels = everything(photos(count=120))
    halves = [remade(photos(), np.arange(start, 120, 2), images, labels) for start in (0, 1)]
    found = overlap(*halves)
    assert (found.shared, found.same) == (0, False), "other splits of one data set are two tasks"


def test_the_same_images_with_other_labels_are_another_task_and_shared() -> None:
    task = photos()
    images, labels = everything(task)
    other = remade(task, np.arange(60), images, np.random.default_rng(3).permutation(labels), name="other labels")
    found = overlap(other, task)
    assert (found.shared, found.same) == (60, False)


def test_a_part_is_another_task_and_counted() -> None:
    task = photos()
    images, labels = everything(task)
    part = remade(task, np.arange(24), images, labels, name="a part")
    found = overlap(part, task)
    assert (found.shared, found.images, found.same) == (24, 24, False)
    assert refuse_doubles(task, {"a part": part}) == ("24 of the 24 images of a part are images of the source, too",)


def test_images_of_one_colour_say_nothing() -> None:
    black = np.zeros((30, 16, 16, 3), dtype=np.uint8)
    labels = np.arange(30, dtype=np.int64) % 3
    first = remade(photos(), np.arange(30), black, labels)
    second = remade(photos(), np.arange(30), black, np.roll(labels, 1))
    found = overlap(first, second)
    assert (found.shared, found.same) == (0, False)


def test_a_known_target_that_is_the_source_or_another_is_refused() -> None:
    source, other = photos(0), photos(1)
    with pytest.raises(ConfigurationError, match="the target 'mine' is the same data as the source 'photos 0'"):
        refuse_doubles(source, {"other": other, "mine": shuffled(source)})
    with pytest.raises(ConfigurationError, match="the targets 'one' and 'two' are the same data under two names"):
        refuse_doubles(source, {"one": other, "two": shuffled(other)})
    assert refuse_doubles(source, {"one": other, "two": photos(2)}) == ()


def test_doubles_are_found_by_name() -> None:
    source, other = photos(0), photos(1)
    found = doubles(
        source, {"mine": shuffled(source), "other": other, "again": shuffled(other), "small": photos(2, side=24)}
    )
    assert {name: same for name, (_, same) in found.items()} == {
        "mine": "source",
        "other": "",
        "again": "other",
        "small": "",
    }
    assert found["small"][0] is None
    assert doubles(None, {"other": other}) == {"other": (None, "")}
