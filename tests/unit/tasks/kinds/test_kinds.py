from typing import get_args

import numpy as np
import pytest

from archlock.errors import TaskError, UnknownNameError, UnsupportedError
from archlock.tasks import KINDS, Kind, Split, Task, conform, few_of_each, load_task, save_task, share_of
from archlock.tasks.kinds.labels import without_positives
from archlock.testing.small_tasks import small_task

IMAGES = np.arange(4 * 6 * 5, dtype=np.uint8).reshape(4, 6, 5, 1)


def task_of(kind, targets, classes=()):
    splits = [Split(IMAGES, targets) for _ in range(3)]
    return Task("mine", kind, classes, *splits, origin="here")


def test_the_catalog_has_every_name_once():
    assert tuple(KINDS) == get_args(Kind)
    assert all(kind.name == name for name, kind in KINDS.items())
    assert len({kind.stored for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_task_of_every_kind(name, tmp_path):
    task = small_task(name, train=40, validation=20, test=10)
    assert (task.train.kind, task.traits.name) == (name, name)
    assert task.traits.chance(task.train.targets, task.classes) == task.chance < task.traits.best == 1
    assert load_task(save_task(task, tmp_path / "task.npz")).fingerprint == task.fingerprint
    assert len(share_of(task, 20, seed=0).train) == 20
    assert conform(task, (3, 8, 8)).train.kind == name
    if not task.traits.has_classes:
        with pytest.raises(UnsupportedError, match=f"is a {name} task: it has no classes to take 2 examples"):
            few_of_each(task, 2, seed=0)


def test_a_kind_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(UnknownNameError, match=r"segmentation.*classification.*labels"):
        task_of("segmentation", np.zeros(4, np.int64))


@pytest.mark.parametrize(
    ("kind", "targets", "classes", "words"),
    [
        ("labels", np.eye(4, dtype=np.uint8)[:, :1], ("a",), "at least two, got 1; one label .* one axis of 0 and 1"),
        ("labels", np.eye(4, dtype=np.uint8) * 2, tuple("abcd"), "labels are 0 or 1 for every image; found 2"),
        ("labels", np.eye(4, dtype=np.uint8), ("a", "b"), "4 columns of labels, but 2 names"),
        ("labels", np.zeros(4, np.int64), ("a", "b"), r"must be uint8, N x K; got int64 \(4,\)"),
        ("regression", np.array([[0], [1], [np.nan], [2]], np.float32), (), "1 of 4 targets hold NaN.*is row 2"),
        ("regression", np.zeros(4, np.float32), (), r"must be float32, N x D; got float32 \(4,\)"),
        ("field", np.ones((4, 6, 4, 1), np.float32), (), r"of the size of the images \(4, 6, 5\)"),
        ("field", np.zeros((4, 6, 5, 1), np.float32), (), "4 of 4 target fields are zero everywhere"),
        ("field", np.full((4, 6, 5, 1), np.inf, np.float32), (), "4 of 4 targets hold NaN or an infinity"),
    ],
)
def test_targets_that_are_none_are_refused(kind, targets, classes, words):
    with pytest.raises(TaskError, match=words):
        task_of(kind, targets, classes)


def test_chance_of_several_labels_is_the_mean_share_of_those_that_occur():
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]], np.uint8)
    assert task_of("labels", targets, ("a", "b", "c")).chance == pytest.approx((0.5 + 0.25) / 2)
    assert without_positives(targets, ("a", "b", "c")) == ("c",)


def test_chance_of_a_field_is_the_mean_field():
    fields = np.random.default_rng(0).normal(1, 0.5, (4, 6, 5, 1)).astype(np.float32)
    mean = fields.mean(0)
    errors = [np.linalg.norm(field - mean) / np.linalg.norm(field) for field in fields]
    assert task_of("field", fields).chance == pytest.approx(1 - np.mean(errors), abs=1e-6)


def test_a_field_is_not_scaled_to_another_size():
    with pytest.raises(UnsupportedError, match=r"fields of 8 x 8 numbers, and images of 9 x 9 are needed"):
        conform(small_task("field", train=4, validation=2, test=2), (1, 9, 9))
