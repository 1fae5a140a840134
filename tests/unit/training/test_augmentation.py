import numpy as np
import pytest

from archlock.tasks import Split
from archlock.training import Plan
from archlock.training.augmentation import augmented

RNG = np.random.default_rng(0)
HEIGHT, WIDTH = 8, 16
IMAGES = RNG.integers(0, 256, (40, HEIGHT, WIDTH, 2), dtype=np.uint8)
CLASSES = Split(IMAGES, np.arange(40, dtype=np.int64))
DENSE = Split(IMAGES, 255 - IMAGES)


def shifted(image, down, right):
    """Brute force: pad with the edge pixels, then cut the window that is moved by (down, right)."""
    padded = np.pad(image, ((HEIGHT, HEIGHT), (WIDTH, WIDTH), (0, 0)), mode="edge")
    return padded[HEIGHT + down : 2 * HEIGHT + down, WIDTH + right : 2 * WIDTH + right]


def explain(image, moved, plan):
    """Every (down, right, mirrored) within the plan that makes the image the moved one."""
    most_down, most_right = round(plan.shift * HEIGHT), round(plan.shift * WIDTH)
    return [
        (down, right, mirrored)
        for down in range(-most_down, most_down + 1)
        for right in range(-most_right, most_right + 1)
        for mirrored in ((False, True) if plan.flip else (False,))
        if np.array_equal(moved, shifted(image, down, right)[:, :: -1 if mirrored else 1])
    ]


def test_without_augmentation_it_is_a_shuffle():
    plan = Plan(1, batch_size=16, shift=0.0)
    parts = list(augmented(CLASSES, plan, 0))
    assert [len(part) for part in parts] == [16, 16, 8]
    order = np.concatenate([part.targets for part in parts])
    assert sorted(order) == list(range(40))
    assert list(order) != list(range(40))
    np.testing.assert_array_equal(np.concatenate([part.images for part in parts]), IMAGES[order])


@pytest.mark.parametrize("flip", [False, True])
def test_every_image_is_shifted_within_the_plan_and_mirrored_where_told(flip):
    plan = Plan(1, batch_size=16, shift=0.25, flip=flip)
    seen = []
    for seed in range(4):
        for part in augmented(CLASSES, plan, seed):
            for image, label in zip(part.images, part.targets, strict=True):
                (found,) = explain(IMAGES[label], image, plan)
                seen.append(found)
    down, right, mirrored = map(np.array, zip(*seen, strict=True))
    assert set(down) == set(range(-2, 3))
    assert set(right) == set(range(-4, 5))
    share = mirrored.mean()
    assert share == 0 if not flip else 0.3 < share < 0.7
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.3


def test_a_whole_shift_is_a_roll_but_for_the_edge():
    plan = Plan(1, batch_size=16, shift=0.25)
    for part in augmented(CLASSES, plan, 1):
        for image, label in zip(part.images, part.targets, strict=True):
            ((down, right, _),) = explain(IMAGES[label], image, plan)
            rolled = np.roll(IMAGES[label], (-down, -right), (0, 1))
            inside = np.s_[max(0, -down) : HEIGHT - max(0, down), max(0, -right) : WIDTH - max(0, right)]
            np.testing.assert_array_equal(image[inside], rolled[inside])


def test_dense_targets_move_with_their_images():
    for part in augmented(DENSE, Plan(1, batch_size=16, shift=0.25, flip=True), 2):
        np.testing.assert_array_equal(part.targets, 255 - part.images)


def test_the_seed_alone_decides_and_the_split_stays():
    plan, kept = Plan(1, batch_size=16, shift=0.25, flip=True), IMAGES.copy()
    one, two, other = ([part.images for part in augmented(CLASSES, plan, seed)] for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert (kept == IMAGES).all()


@pytest.mark.parametrize(("examples", "sizes"), [(33, [16, 16]), (34, [16, 16, 2]), (17, [16]), (2, [2]), (1, [1])])
def test_a_last_batch_of_one_is_left_out(examples, sizes):
    parts = augmented(CLASSES.take(range(examples)), Plan(1, batch_size=16), 0)
    assert [len(part) for part in parts] == sizes
