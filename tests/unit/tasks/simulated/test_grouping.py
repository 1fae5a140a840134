import numpy as np
import pytest

from archlock.errors import UnsupportedError
from archlock.tasks import SIMULATORS, Split, Task, npz
from archlock.testing.tasks import example_source
from shared_data import shared

COARSE, RANDOM, SUBSET = (SIMULATORS[name] for name in ("coarse", "random_grouping", "class_subset"))


def groups_of(source, target):
    """Group of every class, read off the training labels; each class must have one."""
    pairs = {(int(c), int(g)) for c, g in zip(source.train.targets, target.train.targets, strict=True)}
    assert len(pairs) == len(source.classes)
    return [group for _, group in sorted(pairs)]


@pytest.mark.parametrize(("classes", "groups"), [(3, 2), (4, 2), (6, 2), (7, 3), (10, 3), (20, 4)])
def test_coarse_groups_are_few_and_even(classes, groups):
    source = example_source((1, 8, 8), classes=classes, examples=4 * classes)
    sizes = np.bincount(groups_of(source, COARSE.simulate(source, seed=0)))
    assert len(sizes) == groups
    assert sizes.max() - sizes.min() <= 1


def test_coarse_puts_like_with_like():
    labels = np.tile(np.arange(6, dtype=np.int64), 5)
    brightness = np.array([10, 200, 20, 210, 30, 220])  # two kinds: dark 0, 2, 4 and light 1, 3, 5
    split = Split(np.broadcast_to(brightness[labels][:, None, None, None], (30, 2, 2, 1)).astype(np.uint8), labels)
    source = Task("s", "classification", tuple("abcdef"), split, split, split, "")
    for seed in range(4):
        assert set(COARSE.simulate(source, seed=seed).classes) == {"a + c + e", "b + d + f"}


def test_coarse_of_real_images_separates_machines_from_animals_better_than_chance():
    source = npz(shared("images/cifar10.npz"))
    machines = {"airplane", "automobile", "ship", "truck"}
    together = {"coarse": 0.0, "random_grouping": 0.0}
    for name in together:
        for seed in range(5):
            groups = [set(group.split(" + ")) for group in SIMULATORS[name].simulate(source, seed=seed).classes]
            pure = [max(len(group & machines), len(group - machines)) for group in groups]
            together[name] += sum(pure) / 50
    assert together["coarse"] > together["random_grouping"]


def test_random_groups_are_two_to_five_and_differ_between_seeds():
    source = example_source((1, 8, 8), classes=10, examples=60)
    found = [groups_of(source, RANDOM.simulate(source, seed=seed)) for seed in range(30)]
    assert {max(groups) + 1 for groups in found} == {2, 3, 4, 5}
    assert len({tuple(groups) for groups in found}) > 25
    three = example_source((1, 8, 8), classes=3)
    assert {len(RANDOM.simulate(three, seed=seed).classes) for seed in range(5)} == {2}


@pytest.mark.parametrize("classes", [4, 5, 10])
def test_a_subset_has_half_of_the_classes_and_only_their_images(classes):
    source = example_source((1, 8, 8), classes=classes, examples=60)
    for seed in range(3):
        target = SUBSET.simulate(source, seed=seed)
        kept = [source.classes.index(name) for name in target.classes]
        assert len(kept) == classes // 2
        for name in ("train", "validation", "test"):
            before, after = getattr(source, name), getattr(target, name)
            rows = np.flatnonzero(np.isin(before.targets, kept))
            assert np.array_equal(after.images, before.images[rows])
            assert [kept[label] for label in after.targets] == before.targets[rows].tolist()


def test_names_say_which_classes_are_in_a_group():
    source = example_source((1, 8, 8), classes=4)
    target = COARSE.simulate(source, seed=0)
    assert sorted(" + ".join(target.classes).split(" + ")) == list(source.classes)
    assert "to which group of similar classes the image belongs (2 groups)" in target.origin


@pytest.mark.parametrize(("name", "least"), [("coarse", 3), ("random_grouping", 3), ("class_subset", 4)])
def test_too_few_classes_and_none_at_all(name, least):
    source = example_source((1, 8, 8), classes=least - 1)
    assert not SIMULATORS[name].supports(source)
    assert SIMULATORS[name].supports(example_source((1, 8, 8), classes=least))
    words = rf"{name} cannot be simulated from 'example': it has {least - 1} classes, at least {least} are needed"
    with pytest.raises(UnsupportedError, match=words):
        SIMULATORS[name].simulate(source, seed=0)
    dense = SIMULATORS["autoencoding"].simulate(source, seed=0)
    with pytest.raises(UnsupportedError, match=rf"{name} cannot be .* 'autoencoding\(example\)': it has no classes"):
        SIMULATORS[name].simulate(dense, seed=0)
