import numpy as np
import pytest

from archlock.errors import TaskError
from archlock.tasks import Split
from archlock.tasks.splitting import classification_task


def images(count, *, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 3, 1)).astype(np.uint8)


def made(train, validation=None, test=None, *, classes=("cat", "dog"), seed=0):
    return classification_task("t", classes, train, validation, test, where="here", origin="", seed=seed)


def rows(split):
    return [row.tobytes() for row in split.images]


def balanced(count, *, seed=0):
    return Split(images(count, seed=seed), np.arange(count, dtype=np.int64) % 2)


def test_sixty_twenty_twenty_stratified_and_disjoint():
    labels = np.repeat(np.array([0, 1], dtype=np.int64), (100, 10))
    task = made(Split(images(110), labels))
    for split, counts in ((task.train, [60, 6]), (task.validation, [20, 2]), (task.test, [20, 2])):
        assert np.bincount(split.targets).tolist() == counts
    together = rows(task.train) + rows(task.validation) + rows(task.test)
    assert sorted(together) == sorted(rows(Split(images(110), labels)))


def test_given_splits_are_kept_and_the_rest_is_drawn_from_train():
    test, validation = balanced(6, seed=1), balanced(8, seed=2)
    task = made(balanced(50), None, test)
    assert (len(task.train), len(task.validation)) == (40, 10)
    assert sorted(rows(task.test)) == sorted(rows(test))
    task = made(balanced(50), validation, None)
    assert (len(task.train), len(task.test)) == (40, 10)
    assert sorted(rows(task.validation)) == sorted(rows(validation))
    assert sorted(rows(made(balanced(50), validation, test).train)) == sorted(rows(balanced(50)))


def test_labels_stay_with_their_images():
    train = balanced(40)
    label_of = dict(zip(rows(train), train.targets.tolist(), strict=True))
    task = made(train)
    for split in (task.train, task.validation, task.test):
        assert [label_of[row] for row in rows(split)] == split.targets.tolist()


def test_the_order_of_rows_changes_nothing_but_the_seed_does():
    train = balanced(60)
    order = np.random.default_rng(1).permutation(60)
    assert made(train).fingerprint == made(train.take(order)).fingerprint
    assert made(train).fingerprint != made(train, seed=1).fingerprint


def test_a_prefix_of_a_split_is_a_random_subset():
    labels = np.repeat(np.arange(2, dtype=np.int64), 500)
    task = made(Split(images(1000), labels))
    for split in (task.train, task.validation, task.test):
        half = len(split) // 2
        # five standard deviations of a fair draw without replacement
        assert abs(split.targets[:half].mean() - 0.5) < 5 * 0.5 * np.sqrt(0.5 / half)


def test_identical_images_of_a_class_stay_in_one_split():
    one_of_each = images(12)
    twins = Split(np.repeat(one_of_each, 3, axis=0), np.repeat(np.arange(12, dtype=np.int64) % 2, 3))
    for seed in range(5):
        task = made(twins, seed=seed)
        sets = [set(rows(split)) for split in (task.train, task.validation, task.test)]
        assert not sets[0] & sets[1]
        assert not sets[0] & sets[2]
        assert not sets[1] & sets[2]


def test_three_images_a_class_are_just_enough_and_all_alike_is_possible():
    alike = np.tile(np.array([0, 90, 90, 0], np.uint8).reshape(2, 2, 1), (6, 1, 1, 1))
    task = made(Split(alike, np.arange(6, dtype=np.int64) % 2))
    for split in (task.train, task.validation, task.test):
        assert sorted(split.targets.tolist()) == [0, 1]


def test_too_few_images_of_a_class():
    train = Split(images(12), np.array([0] * 10 + [1] * 2, dtype=np.int64))
    with pytest.raises(TaskError, match=r"here: class 'dog' has 2 training images; each class needs at least 3"):
        made(train)
    assert len(made(train, None, balanced(4)).validation) == 3
    with pytest.raises(TaskError, match=r"class 'dog' has 0 .* at least 2 \(train and one more split\)"):
        made(Split(images(5), np.zeros(5, np.int64)), None, Split(images(1), np.zeros(1, np.int64)))


def test_one_class():
    with pytest.raises(TaskError, match=r"here: one class only \('cat'\); a task needs at least two"):
        made(Split(images(5), np.zeros(5, np.int64)), classes=("cat",))


def test_a_class_that_train_does_not_know():
    train = Split(images(5), np.zeros(5, np.int64))
    with pytest.raises(TaskError, match="here: test has images of class 'dog', train has none"):
        made(train, None, balanced(4))
    with pytest.raises(TaskError, match="here: the test split is empty"):
        made(balanced(10), None, balanced(0))
