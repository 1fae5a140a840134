import pickle

import numpy as np
import pytest

from archlock.errors import TaskError
from archlock.tasks.moments import level_moments
from archlock.tasks.rows import digests_of, joined, ranges_of
from stored_tasks import in_memory, stored_task


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.setattr("archlock.tasks.sources.storing.AT_ONCE", 20 * 8 * 8 * 3)
    return stored_task(tmp_path)


def test_the_images_are_those_that_memory_would_hold(task, tmp_path):
    other = in_memory(tmp_path)
    for one in (task, other):
        assert [len(split) for split in (one.train, one.validation, one.test)] == [50, 17, 17]
    assert task.train.stored
    assert not other.train.stored

    def pixels_and_labels(one):
        splits = (one.train, one.validation, one.test)
        return sorted(
            (image.tobytes(), label) for s in splits for image, label in zip(s.images[:], s.targets, strict=True)
        )

    assert pixels_and_labels(task) == pixels_and_labels(other)
    assert task.signature.shape == other.signature.shape


def test_it_is_indexed_like_an_array(task):
    images, array = task.train.images, np.asarray(task.train.images)
    assert (images.shape, images.dtype, images.ndim, len(images)) == (array.shape, array.dtype, 4, len(array))
    for chosen in (3, -1, slice(2, 30, 3), [4, 1, 1], np.arange(50) % 3 == 0, (slice(None), slice(2, 5), 1), (2, 3)):
        np.testing.assert_array_equal(images[chosen], array[chosen])
    np.testing.assert_array_equal(np.concatenate(list(images.parts(1000))), array)
    with pytest.raises(IndexError):
        images[50]


def test_what_is_known_of_every_image_is_what_the_pixels_say(task):
    images, array = task.train.images, task.train.images[:]
    assert digests_of(images) == digests_of(array)
    for known, found in zip(ranges_of(images), ranges_of(array), strict=True):
        np.testing.assert_array_equal(known, found)
    np.testing.assert_allclose((task.mean, task.std), level_moments(array), rtol=1e-12)


def test_grey_images_may_be_seen_in_colour(tmp_path):
    images = stored_task(tmp_path, mode="L").train.images
    assert images.shape[3] == 1
    coloured = images.with_channels(3)
    np.testing.assert_array_equal(coloured[:], np.repeat(images[:], 3, axis=3))
    assert digests_of(coloured) == digests_of(coloured[:])


def test_taking_and_joining_read_nothing(task, monkeypatch):
    monkeypatch.setattr("archlock.tasks.stored.blocks.Block.pixels", None)
    few = task.train.take([5, 3]).images
    both = joined(few, task.test.images)
    monkeypatch.undo()
    np.testing.assert_array_equal(both[:], np.concatenate([task.train.images[[5, 3]], task.test.images[:]]))


def test_it_travels_as_names_and_places(task):
    sent = pickle.dumps(task)
    assert len(sent) < 6000
    arrived = pickle.loads(sent)
    assert arrived.fingerprint == task.fingerprint
    np.testing.assert_array_equal(arrived.train.images[:], task.train.images[:])


def test_a_fingerprint_tells_images_apart(task):
    swapped = np.arange(len(task.train))
    swapped[[0, 1]] = [1, 0]
    other = type(task)(
        task.name, task.kind, task.classes, task.train.take(swapped), task.validation, task.test, task.origin
    )
    same = type(task)(task.name, task.kind, task.classes, task.train, task.validation, task.test, "elsewhere")
    assert other.fingerprint != task.fingerprint == same.fingerprint


def test_a_cache_that_was_emptied_is_said(task, tmp_path):
    for file in (tmp_path / "cache").rglob("*.u8"):
        file.unlink()
    with pytest.raises(TaskError, match=r"decoded images are no longer in the cache .*run the same command again"):
        task.train.images[:]
