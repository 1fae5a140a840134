import numpy as np
import pytest

from archlock.errors import ConfigurationError
from archlock.tasks import Split, recoloured, resized
from archlock.training import Plan, for_photographs, sized_for
from archlock.training.augmentation import augmented, draws

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


def test_windows_are_of_the_shares_and_forms_that_the_plan_says():
    (draw,) = draws(2000, (60, 60), Plan(1, batch_size=2000, crop=0.25), 0)
    left, top, right, bottom = draw.windows.T
    area, form = (right - left) * (bottom - top) / 3600, (right - left) / (bottom - top)
    assert 0.2 < area.min() < 0.3
    assert area.mean() == pytest.approx(0.625, abs=0.02)
    assert 3 / 4 - 1e-9 <= form.min() < 0.8
    assert 1.25 < form.max() <= 4 / 3 + 1e-9
    assert min(left.min(), top.min()) >= 0
    assert max(right.max(), bottom.max()) <= 60


def test_a_window_is_scaled_to_the_image():
    plan = Plan(1, batch_size=40, shift=0.0, crop=0.5)
    images = np.repeat(np.repeat(IMAGES[:, :2, :4], 4, axis=1), 4, axis=2)  # (flat patches)
    split = Split(images, np.arange(40, dtype=np.int64))
    (draw,), (part,) = draws(40, (HEIGHT, WIDTH), plan, 2), augmented(split, plan, 2)
    expected = resized(images[draw.rows], HEIGHT, WIDTH, boxes=draw.windows)
    np.testing.assert_array_equal(part.images, expected)
    assert (part.images != images[draw.rows]).any()


def test_colours_by_hand():
    image = np.array([[[100, 50, 0], [20, 20, 20]]], dtype=np.uint8)[None]
    np.testing.assert_array_equal(recoloured(image, np.ones((1, 3))), image)
    np.testing.assert_array_equal(recoloured(image, np.array([[0.5, 1, 1]])), np.rint(image / 2 - 1e-6))
    grey = np.array([0.299 * 100 + 0.587 * 50, 20])
    np.testing.assert_array_equal(recoloured(image, np.array([[1, 1, 0.0]]))[0, 0, :, 0], np.rint(grey))
    np.testing.assert_array_equal(recoloured(image, np.array([[1, 0.0, 1]])), np.full_like(image, round(grey.mean())))


def test_what_answers_an_image_keeps_its_colours_and_moves_its_target():
    plan = Plan(1, batch_size=40, shift=0.0, crop=0.5, colour=0.4)
    (part,) = augmented(Split(IMAGES, IMAGES), plan, 0)
    np.testing.assert_array_equal(part.images, part.targets)


def test_small_images_keep_their_plan_and_photographs_get_theirs():
    plan = Plan(3)
    assert for_photographs(plan, (64, 300)) == for_photographs(plan, (224, 224), "shift") == plan
    changed = for_photographs(plan, (96, 128))
    assert (changed.shift, changed.flip, changed.crop, changed.colour) == (0.0, True, 0.25, 0.4)
    assert for_photographs(plan, (8, 8), "photographs") == changed
    assert sized_for(plan, (95, 500)) == plan
    assert [sized_for(plan, (side, side)).batch_size for side in (96, 128, 224)] == [32, 18, 6]
    assert sized_for(plan, (224, 224)).learning_rate == pytest.approx(plan.learning_rate * 6 / 64)
    assert sized_for(Plan(1, batch_size=4), (224, 224)).batch_size == 4


@pytest.mark.parametrize("wrong", [{"crop": 0.0}, {"crop": 1.5}, {"colour": 1.0}])
def test_windows_and_colours_that_cannot_be(wrong):
    with pytest.raises(ConfigurationError, match="a crop of more than 0 and at most 1"):
        Plan(1, **wrong)
