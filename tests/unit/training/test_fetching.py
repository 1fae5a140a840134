import threading

import numpy as np
import pytest
import torch

from archlock.models import build
from archlock.spaces import SPACES
from archlock.tasks import Split, Task
from archlock.training import Plan, batches, evaluate, fit, fit_many, frozen_features, looked_at
from archlock.training.augmentation import augmented
from archlock.training.fetching import AHEAD, ahead, fetched
from stored_tasks import stored_task

PLAN = Plan(2, batch_size=16, flip=True)


@pytest.fixture
def both(tmp_path):
    """A task on disk, and the same in memory."""
    view = stored_task(tmp_path)
    loaded = [split.loaded() for split in (view.train, view.validation, view.test)]
    return view, Task(view.name, view.kind, view.classes, *loaded, view.origin)


def test_batches_are_the_same_from_disk(both):
    for seed in (None, 4):
        one, other = (list(batches(task.train, 16, seed=seed)) for task in both)
        for mine, theirs in zip(one, other, strict=True):
            assert torch.equal(mine.images, theirs.images)
            assert torch.equal(mine.targets, theirs.targets)


@pytest.mark.parametrize("plan", [PLAN, Plan(1, batch_size=16, crop=0.3, colour=0.4)])
def test_augmentation_is_the_same_from_disk(both, plan):
    one, other = (list(augmented(task.train, plan, 5)) for task in both)
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.images, theirs.images)
        np.testing.assert_array_equal(mine.targets, theirs.targets)


def test_trainings_are_the_same_from_disk(both):
    architecture = SPACES["nasbench201"].sample(np.random.default_rng(1))
    found = []
    for task in both:
        # the moments of images on disk are rounded otherwise
        model = build(architecture, both[0].signature, width=4, depth=1, seed=0)
        alone = fit(model, task, PLAN, seed=0)
        (many,) = fit_many([model], task, PLAN, seeds=[0])
        features = frozen_features(model, task, seed=0).probe((1.0,))
        found.append((alone.losses, many.losses, evaluate(alone.model, task.test), features.validation))
    assert found[0] == found[1]


def test_decoding_when_looked_at(tmp_path, monkeypatch):
    kept = stored_task(tmp_path)
    monkeypatch.setattr("archlock.tasks.stored.cache.Cache.free_bytes", lambda _: 0)
    task = stored_task(tmp_path / "again")
    assert task.train.images.decodes
    state = torch.get_rng_state()
    rows = [np.array([3, 1]), np.array([0, 5, 2])]
    for part, order in zip(fetched(task.train, rows), rows, strict=True):
        assert not part.stored
        np.testing.assert_array_equal(part.images, task.train.images[order])
    assert torch.equal(torch.get_rng_state(), state)
    assert task.fingerprint == kept.fingerprint


def test_a_thread_makes_a_few_ahead_and_no_more():
    made = []

    def parts():
        for number in range(50):
            made.append(number)
            yield number

    going = ahead(parts())
    assert next(going) == 0
    going.close()
    assert len(made) <= AHEAD + 2
    assert not any(thread.name == "archlock batches" for thread in threading.enumerate())


def test_what_goes_wrong_ahead_is_raised_where_it_was_wanted():
    def parts():
        yield 1
        raise ValueError("torn")

    going = ahead(parts())
    assert next(going) == 1
    with pytest.raises(ValueError, match="torn"):
        next(going)


def test_large_images_are_looked_at_in_smaller_batches():
    def of(side):
        return Split(np.zeros((1, side, side, 1), np.uint8), np.zeros(1, np.int64))

    assert [looked_at(500, of(side)) for side in (8, 64, 224)] == [500, 500, 5]
