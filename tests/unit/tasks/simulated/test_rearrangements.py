"""Jigsaw and rotation, against a slow version of each."""

from itertools import permutations

import numpy as np
import pytest

from archlock.errors import UnsupportedError
from archlock.tasks import SIMULATORS
from archlock.testing.tasks import example_source

JIGSAW, ROTATION = SIMULATORS["jigsaw"], SIMULATORS["rotation"]
SPLITS = ("train", "validation", "test")


def jigsaw_of(image, label):
    height, width = (side // 2 for side in image.shape[:2])
    quarters = [image[:height, :width], image[:height, width : 2 * width]]
    quarters += [image[height : 2 * height, :width], image[height : 2 * height, width : 2 * width]]
    a, b, c, d = (quarters[tile] for tile in list(permutations(range(4)))[label])
    return np.concatenate([np.concatenate([a, b], axis=1), np.concatenate([c, d], axis=1)], axis=0)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 10), (2, 2, 2), (3, 9, 7)])
def test_jigsaw(shape):
    source = example_source(shape)
    target = JIGSAW.simulate(source, seed=0)
    assert len(target.classes) == 24
    assert target.classes[:3] == ("order 1234", "order 1243", "order 1324")
    even = (slice(0, shape[1] // 2 * 2), slice(0, shape[2] // 2 * 2))
    for name in SPLITS:
        before, after = getattr(source, name), getattr(target, name)
        for image, shuffled, label in zip(before.images, after.images, after.targets, strict=True):
            assert np.array_equal(shuffled[even], jigsaw_of(image, label))


def test_an_odd_last_row_and_column_repeat_the_one_before():
    images = JIGSAW.simulate(example_source((1, 9, 7)), seed=0).train.images
    assert np.array_equal(images[:, 8], images[:, 7])
    assert np.array_equal(images[:, :, 6], images[:, :, 5])


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 7), (3, 6, 11), (1, 9, 4)])
def test_rotation(shape):
    source = example_source(shape)
    target = ROTATION.simulate(source, seed=0)
    side = min(shape[1:])
    top, left = (shape[1] - side) // 2, (shape[2] - side) // 2
    centre = (slice(top, top + side), slice(left, left + side))
    for name in SPLITS:
        before, after = getattr(source, name), getattr(target, name)
        for image, turned, label in zip(before.images, after.images, after.targets, strict=True):
            assert np.array_equal(turned[centre], np.rot90(image[centre], label))
            assert np.array_equal(turned[:top], np.repeat(turned[top : top + 1], top, axis=0))


@pytest.mark.parametrize(("simulator", "classes"), [(JIGSAW, 24), (ROTATION, 4)])
def test_every_class_comes_equally_often_in_random_order(simulator, classes):
    source = example_source((1, 8, 8), examples=5 * classes)
    labels = simulator.simulate(source, seed=0).train.targets
    assert np.bincount(labels).tolist() == [5] * classes
    assert labels.tolist() != sorted(labels.tolist())
    assert labels.tolist() != simulator.simulate(source, seed=1).train.targets.tolist()


@pytest.mark.parametrize(
    ("name", "least"), [("jigsaw", 24), ("rotation", 4), ("shapes", 8), ("textures", 10), ("glyphs", 20)]
)
def test_too_few_images(name, least):
    source = example_source((1, 8, 8), classes=2, examples=least - 1)
    with pytest.raises(UnsupportedError, match=rf"it has {least - 1} training images, at least {least} are needed"):
        SIMULATORS[name].simulate(source, seed=0)
    assert SIMULATORS[name].supports(example_source((1, 8, 8), classes=2, examples=least))


@pytest.mark.parametrize(
    ("name", "least"), [("jigsaw", 2), ("rotation", 2), ("rescaled", 4), ("shapes", 8), ("textures", 8), ("glyphs", 8)]
)
def test_too_small_images(name, least):
    source = example_source((1, least - 1, 20))
    words = f"its images are {least - 1} x 20, at least {least} x {least} are needed"
    with pytest.raises(UnsupportedError, match=words):
        SIMULATORS[name].simulate(source, seed=0)
    assert SIMULATORS[name].supports(example_source((1, least, 20)))
