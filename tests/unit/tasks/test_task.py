import hashlib
import pickle
from dataclasses import replace

import numpy as np
import pytest

from archlock.errors import TaskError
from archlock.tasks import Signature, Split, Task
from archlock.testing.tasks import example_source


def split(images, targets):
    return Split(np.asarray(images, dtype=np.uint8), np.asarray(targets, dtype=np.int64))


def test_moments_are_those_of_the_training_images():
    task = example_source((3, 7, 9))
    pixels = task.train.images.reshape(-1, 3) / 255
    np.testing.assert_allclose(task.mean, pixels.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(task.std, pixels.std(axis=0), atol=1e-12)
    assert task.signature == Signature("classification", (3, 7, 9), 6, task.mean, task.std)


def test_flat_images_still_have_a_deviation():
    flat = split(np.full((2, 1, 1, 1), 7), [0, 1])
    assert Task("flat", "classification", ("a", "b"), flat, flat, flat, "").std == (1 / 255,)


def test_the_fingerprint_is_of_content_not_of_names():
    task = example_source((1, 8, 8))
    assert replace(task, name="another", origin="elsewhere").fingerprint == task.fingerprint
    assert replace(task, classes=(*task.classes[:-1], "renamed")).fingerprint != task.fingerprint
    images = task.test.images.copy()
    images[0, 0, 0, 0] ^= 1
    assert replace(task, test=Split(images, task.test.targets)).fingerprint != task.fingerprint
    tiny = split(np.zeros((1, 1, 1, 1)), [1])
    digest = hashlib.sha256(repr(("classification", ("a", "b"))).encode())
    for _ in range(3):
        digest.update(b"((1, 1, 1, 1), '|u1')\0((1,), '<i8')" + (1).to_bytes(8, "little"))
    assert Task("t", "classification", ("a", "b"), tiny, tiny, tiny, "").fingerprint == digest.hexdigest()[:16]


def test_chance_is_the_largest_class_and_balance_adds_up():
    uneven = split(np.zeros((4, 1, 1, 1)), [0, 0, 0, 1])
    task = Task("uneven", "classification", ("a", "b"), uneven, uneven, uneven, "")
    assert task.class_balance == (0.75, 0.25)
    assert task.chance == 0.75
    dense = Split(uneven.images, uneven.images)
    assert Task("dense", "dense", (), dense, dense, dense, "").chance == 0.0


def test_it_travels_between_processes():
    task = example_source((3, 4, 5))
    assert pickle.loads(pickle.dumps(task)).fingerprint == task.fingerprint


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"validation": split(np.zeros((0, 2, 2, 1)), [])}, "'t', validation split: no examples"),
        ({"test": Split(np.zeros((2, 2, 2, 1)), np.zeros(2, np.int64))}, "uint8, N x H x W x C; got float64"),
        ({"test": split(np.zeros((2, 3, 2, 1)), [0, 1])}, r"images are \(3, 2, 1\), those of train \(2, 2, 1\)"),
        ({"train": split(np.zeros((2, 2, 2, 1)), [0])}, "train split: 2 images but 1 targets"),
        ({"test": split(np.zeros((2, 2, 2, 1)), [0, 2])}, "labels run from 0 to 2, but there are 2 classes"),
        ({"test": split(np.zeros((2, 2, 2, 1)), [-1, 0])}, "labels run from -1 to 0"),
        ({"classes": ("only",)}, r"at least two classes; got \['only'\]"),
        ({"kind": "dense", "classes": ()}, "dense targets must be uint8 images"),
    ],
)
def test_a_task_is_born_valid(change, words):
    good = split(np.zeros((2, 2, 2, 1)), [0, 1])
    fields = {"name": "t", "kind": "classification", "classes": ("a", "b"), "origin": ""}
    with pytest.raises(TaskError, match=words):
        Task(**{**fields, "train": good, "validation": good, "test": good, **change})
