import numpy as np
import pytest

from archlock.tasks import SIMULATORS, enlarged, load_task, save_task, share_of, subsample
from stored_tasks import stored_task


@pytest.fixture
def task(tmp_path):
    return stored_task(tmp_path)


@pytest.mark.parametrize(
    "name", ["rotation", "denoising", "grey", "shapes", "coarse", "class_subset", "random_grouping"]
)
def test_a_target_of_images_on_disk_is_on_disk_and_the_same_again(task, name, monkeypatch):
    monkeypatch.setattr("archlock.tasks.simulated.blockwise.AT_ONCE", 4 * 10 * 8 * 8 * 3)
    made, again = (SIMULATORS[name].simulate(task, seed=1) for _ in range(2))
    assert made.train.stored
    assert (
        made.fingerprint == again.fingerprint != SIMULATORS[name].simulate(task, seed=2).fingerprint or name == "grey"
    )
    if made.traits.has_classes:
        assert len(np.unique(made.train.targets)) == len(made.classes)
    if name in ("grey", "denoising"):
        known = made.train.images[:] if name == "grey" else made.train.targets[:]
        assert len(known) == len(task.train)
        if name == "denoising":
            np.testing.assert_array_equal(known, task.train.images[:])


def test_of_very_many_images_it_takes_some_of_every_class(task, monkeypatch):
    monkeypatch.setattr("archlock.tasks.simulated.blockwise.MEMORY", 0)
    monkeypatch.setattr("archlock.tasks.simulated.blockwise.LEAST", 12)
    made = SIMULATORS["corrupted"].simulate(task, seed=0)
    assert [len(split) for split in (made.train, made.validation, made.test)] == [12, 12, 12]
    assert set(made.train.targets) == set(range(4))
    assert "(36 of 84 images, as many as are held in memory)" in made.origin


def test_draws_of_a_view_are_those_of_an_array(task, tmp_path):
    array = type(task)(
        task.name, task.kind, task.classes, *(s.loaded() for s in (task.train, task.validation, task.test)), task.origin
    )
    for drawn in (
        lambda one: subsample(one, 20, seed=3),
        lambda one: share_of(one, 20, seed=3),
        lambda one: enlarged(one, 30, seed=3)[0],
    ):
        view, copy = drawn(task), drawn(array)
        for name in ("train", "validation", "test"):
            one, other = getattr(view, name), getattr(copy, name)
            assert one.stored
            np.testing.assert_array_equal(one.images[:], other.images)
            np.testing.assert_array_equal(one.targets, other.targets)


def test_a_view_is_saved_as_names_and_rows(task, tmp_path):
    file = save_task(task, tmp_path / "task.npz")
    assert file.stat().st_size < 10_000
    back = load_task(file)
    assert back.fingerprint == task.fingerprint
    np.testing.assert_array_equal(back.test.images[:], task.test.images[:])
