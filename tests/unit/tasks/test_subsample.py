from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.tasks import (
    SIMULATORS,
    Split,
    Task,
    enlarged,
    few_of_each,
    rehearsal,
    share_of,
    share_of_validation,
    subsample,
    subsample_fraction,
)
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.testing.tasks import example_source


def uneven(counts):
    labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    split = Split(images, labels)
    return Task("uneven", "classification", tuple("abcdef"[: len(counts)]), split, split, split, "made up")


def rows(task):
    return set(task.train.images.ravel().tolist())


@pytest.mark.parametrize(
    ("examples", "expected"), [(50, [25, 15, 10]), (10, [5, 3, 2]), (99, [50, 30, 19]), (4, [2, 1, 1])]
)
def test_classes_keep_their_proportion(examples, expected):
    counts = np.bincount(subsample(uneven([50, 30, 20]), examples, seed=0).train.targets)
    assert counts.sum() == examples
    assert abs(counts - expected).max() <= 1


def test_every_class_keeps_one():
    assert np.bincount(subsample(uneven([60, 3, 1]), 1, seed=0).train.targets).tolist() == [1, 1, 1]
    assert np.bincount(subsample(uneven([60, 3, 1]), 4, seed=0).train.targets).tolist() == [2, 1, 1]


def test_draws_are_nested_seeded_and_in_order():
    task = uneven([50, 30, 20])
    sizes = [rows(subsample(task, examples, seed=1)) for examples in (3, 10, 40, 99)]
    assert all(small < large for small, large in pairwise(sizes))
    assert subsample(task, 10, seed=1).fingerprint == subsample(task, 10, seed=1).fingerprint
    assert rows(subsample(task, 10, seed=1)) != rows(subsample(task, 10, seed=2))
    kept = subsample(task, 10, seed=1).train.images.ravel().tolist()
    assert kept == sorted(kept)


def test_validation_and_test_are_kept_and_the_origin_says_so():
    task = uneven([5, 5])
    small = subsample(task, 4, seed=0)
    assert small.validation is task.validation
    assert small.test is task.test
    assert small.origin == "made up; 4 of 10 to train"


def test_all_of_it_is_the_task_itself():
    task = uneven([5, 5])
    assert subsample(task, 10, seed=0) is task
    assert subsample(task, 11, seed=0) is task
    assert subsample_fraction(task, 1.0, seed=0) is task


def test_fractions():
    task = uneven([50, 50])
    assert len(subsample_fraction(task, 0.1, seed=0).train) == 10
    assert len(subsample_fraction(task, 0.001, seed=0).train) == 2
    for fraction in (0, -1, 1.5):
        with pytest.raises(
            ConfigurationError, match=rf"the fraction {fraction} of the data; give a number in \(0, 1\]"
        ):
            subsample_fraction(task, fraction, seed=0)
    with pytest.raises(ConfigurationError, match="cannot train on 0 examples"):
        subsample(task, 0, seed=0)


def test_dense_tasks():
    task = SIMULATORS["autoencoding"].simulate(example_source((1, 8, 8)), seed=0)
    small = subsample(task, 5, seed=0)
    assert len(small.train) == 5
    assert np.array_equal(small.train.images, small.train.targets)


def test_few_of_each_class():
    task = uneven([50, 30, 2])
    for shots, counts in ((1, [1, 1, 1]), (5, [5, 5, 2]), (40, [40, 30, 2])):
        assert np.bincount(few_of_each(task, shots, seed=0).train.targets).tolist() == counts
    assert few_of_each(task, 50, seed=0) is task
    assert rows(few_of_each(task, 1, seed=3)) == rows(subsample(task, 1, seed=3))
    sizes = [rows(few_of_each(task, shots, seed=1)) for shots in (1, 4, 20)]
    assert all(small < large for small, large in pairwise(sizes))
    assert rows(few_of_each(task, 4, seed=1)) != rows(few_of_each(task, 4, seed=2))
    few = few_of_each(task, 4, seed=1)
    assert list(few.train.targets) == sorted(few.train.targets)
    assert len(few.test) == len(task.test)
    assert few.origin.endswith("10 of 82 to train")


def test_few_of_each_needs_classes_and_a_number():
    with pytest.raises(ConfigurationError, match="cannot train on 0 examples of each class; give at least 1"):
        few_of_each(uneven([5, 5]), 0, seed=0)
    with pytest.raises(UnsupportedError, match="'negatives' is a dense task: it has no classes to take 3 examples"):
        few_of_each(small_negatives(train=8, validation=4, test=4), 3, seed=0)


def test_what_a_training_has_not_seen():
    """Four fifths of validation to train on, in proportion, the rest to decide by, and old examples to fill up."""
    made = uneven([50, 30, 20])
    old = Split(made.train.images[:50] + np.uint8(100), made.train.targets[:50])
    task = Task("uneven", "classification", made.classes, old, made.train, made.test, "made up")
    found, new = enlarged(task, 80, seed=0)
    assert new == len(found.train) == 80
    assert np.bincount(found.train.targets).tolist() == [40, 24, 16]
    decided_by = set(found.validation.images.ravel().tolist())
    assert len(decided_by) == 20
    assert rows(found) | decided_by == set(task.validation.images.ravel().tolist())
    assert rows(found).isdisjoint(decided_by)
    assert found.test is task.test
    assert (found.name, found.classes) == (task.name, task.classes)
    assert found.fingerprint == enlarged(task, 80, seed=0)[0].fingerprint != enlarged(task, 80, seed=1)[0].fingerprint
    assert "its validation split, divided" in found.origin
    fewer, new = enlarged(task, 40, seed=0)
    assert new == len(fewer.train) == 40
    assert rows(fewer) < rows(found)
    filled, new = enlarged(task, 100, seed=0)
    assert (new, len(filled.train)) == (80, 100)
    assert rows(filled) > rows(found)
    assert sum(value >= 100 for value in rows(filled)) == 20
    assert rows(filled).isdisjoint(decided_by)
    everything, _ = enlarged(task, 10_000, seed=0)
    assert len(everything.train) == 80 + 50


def test_dividing_little_and_dense_tasks():
    made = uneven([50, 30, 20])
    dense = small_negatives(train=8, validation=10, test=4)
    found, new = enlarged(dense, 12, seed=0)
    assert (new, len(found.train), len(found.validation)) == (8, 12, 2)
    two = Task("two", "classification", made.classes, made.train, made.validation.take([0, 60]), made.test, "")
    assert enlarged(two, 1, seed=0)[1] == 1
    one = Task("one", "classification", made.classes, made.train, made.validation.take([0]), made.test, "")
    with pytest.raises(ConfigurationError, match="'one' has 1 validation example; dividing them takes at least two"):
        enlarged(one, 10, seed=0)


def chosen(task):
    return np.bincount(task.validation.targets, minlength=len(task.classes)).tolist()


def test_a_share_of_the_data_is_a_share_of_the_validation_too():
    task = uneven([500, 300, 200])
    tenth = share_of(task, 100, seed=0)
    assert np.bincount(tenth.train.targets).tolist() == chosen(tenth) == [50, 30, 20]
    assert tenth.test is task.test
    assert "100 of 1000 to choose by" in tenth.origin
    assert share_of(task, 1000, seed=0) is task
    assert share_of_validation(task, 1.0, seed=0) is task


def test_a_few_of_each_class_are_left_to_choose_by_but_never_more_than_are_owned():
    task = uneven([500, 300, 200])
    assert chosen(share_of_validation(subsample(task, 40, seed=0), 0.01, seed=0)) == [5, 3, 3]
    for examples in (1, 3, 5, 12, 30, 400, 999):
        part = share_of(task, examples, seed=0)
        assert len(part.validation) <= len(part.train), "no more to choose by than to train on"
    assert chosen(share_of_validation(few_of_each(task, 1, seed=0), 0.003, seed=0)) == [1, 1, 1]


def test_shares_of_the_validation_are_nested_and_seeded():
    task = uneven([500, 300, 200])

    def drawn(fraction, seed=0):
        return {
            hash(image.tobytes())
            for image in share_of_validation(numbered(task), fraction, seed=seed).validation.images
        }

    def numbered(task):
        images = np.arange(1000, dtype=np.uint16).view(np.uint8).reshape(1000, 1, 1, 2)
        split = Split(images, task.validation.targets)
        return replace(task, train=split, validation=split, test=split)

    sizes = [drawn(fraction) for fraction in (0.01, 0.1, 0.5, 0.9)]
    assert [len(size) for size in sizes] == [11, 100, 500, 900]
    assert all(small < large for small, large in pairwise(sizes))
    assert drawn(0.1) != drawn(0.1, seed=1)


def test_a_share_of_a_dense_task_is_one_of_its_images():
    dense = small_negatives(train=50, validation=40, test=10)
    assert len(share_of(dense, 25, seed=0).validation) == 20
    assert len(share_of(dense, 2, seed=0).validation) == 2


@pytest.mark.parametrize("fraction", [0, 1.5])
def test_no_such_share_of_the_validation(fraction):
    with pytest.raises(ConfigurationError, match=rf"cannot choose by the fraction {fraction} of the data"):
        share_of_validation(uneven([5, 3]), fraction, seed=0)


def test_a_rehearsal_has_few_to_train_on_three_to_choose_by_and_judges_by_the_validation_split():
    task = small_digits(train=60, validation=30, test=30, labels=(0, 1, 2))
    seen = rehearsal(task, 4, seed=0)
    assert np.bincount(seen.train.targets).tolist() == [4, 4, 4]
    assert np.bincount(seen.validation.targets).tolist() == [3, 3, 3]
    assert np.array_equal(np.asarray(seen.test.images), np.asarray(task.validation.images))
    rows = {one.tobytes() for one in np.asarray(task.train.images)}
    trained, chosen = ({one.tobytes() for one in np.asarray(part.images)} for part in (seen.train, seen.validation))
    assert trained <= rows
    assert chosen <= rows
    assert not trained & chosen
    assert rehearsal(task, 4, seed=0).fingerprint == seen.fingerprint != rehearsal(task, 4, seed=1).fingerprint


def test_of_a_rare_class_two_thirds_are_trained_on():
    task = small_digits(train=60, validation=30, test=30, labels=(0, 1, 2))
    rare = np.concatenate([np.flatnonzero(task.train.targets != 2), np.flatnonzero(task.train.targets == 2)[:3]])
    seen = rehearsal(replace(task, train=task.train.take(rare)), 10, seed=0)
    assert np.bincount(seen.train.targets).tolist() == [10, 10, 2]
    assert np.bincount(seen.validation.targets).tolist() == [3, 3, 1]


def test_one_example_of_each_class_cannot_be_rehearsed():
    task = small_digits(train=60, validation=30, test=30, labels=(0, 1, 2))
    single = task.train.take(np.array([np.flatnonzero(task.train.targets == label)[0] for label in range(3)]))
    with pytest.raises(UnsupportedError, match="nothing is left to choose by"):
        rehearsal(replace(task, train=single), 1, seed=0)
