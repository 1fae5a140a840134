import numpy as np
import pytest

from archlock.errors import TaskError
from archlock.tasks import Split, open_task
from archlock.tasks.inspection import inspected

RNG = np.random.default_rng(0)
CLASSES = ("cat", "dog")


def noise(count, low=0, high=256):
    return RNG.integers(low, high, (count, 4, 4, 1)).astype(np.uint8)


def split(images):
    return Split(images, np.arange(len(images), dtype=np.int64) % 2)


def remarks(**splits):
    return inspected("here", {name: split(images) for name, images in splits.items()}, CLASSES)


def test_ordinary_images_need_no_word():
    assert remarks(train=noise(40), validation=noise(10), test=noise(10)) == ()
    strokes = np.full((40, 28, 28, 1), 255, np.uint8)
    for row, image in enumerate(strokes):
        image[row % 20, 4:14] = 0  # ten black pixels on white paper
        image[20 + row // 20, 5:15] = 0
    assert remarks(train=strokes) == ()


@pytest.mark.parametrize(
    ("level", "words"), [(0, r"the same value, 0 \(black\)"), (255, r"255 \(white\)"), (9, "9: there")]
)
def test_images_of_one_value_are_refused(level, words):
    with pytest.raises(TaskError, match=rf"here: every pixel of all 40 train images has .*{words}"):
        remarks(train=np.full((40, 4, 4, 1), level, np.uint8))
    with pytest.raises(TaskError, match="every pixel of all 5 test images"):
        remarks(train=noise(40), test=np.full((5, 4, 4, 1), level, np.uint8))


def test_blank_images_are_counted():
    images = noise(40)
    images[:20:2] = np.arange(10).reshape(-1, 1, 1, 1)
    (said,) = remarks(train=images)
    assert said == "10 of 40 train images are blank (one value in all of their pixels), 10 of them in class 'cat'"


@pytest.mark.parametrize(("low", "high"), [(0, 2), (0, 16), (240, 256), (100, 130)])
def test_hardly_any_contrast_is_told(low, high):
    (said,) = remarks(train=noise(400, low, high))
    assert f"hardly any contrast: nearly all levels are between {low} and {high - 1} of 0 (black) to 255" in said
    (said,) = remarks(train=noise(400), test=noise(40, low, high))
    assert said.startswith("the test images have hardly any contrast")


def test_splits_of_the_same_images_are_refused():
    some, order = noise(10), RNG.permutation(10)
    for pair in ("train", "validation"), ("train", "test"), ("validation", "test"):
        splits = {"train": noise(20), pair[0]: some, pair[1]: some[order]}
        with pytest.raises(
            TaskError, match=rf"the {pair[0]} split and the {pair[1]} split hold the same images \(10\)"
        ):
            remarks(**splits)


def test_images_in_two_splits_are_counted():
    train = noise(400)
    few, many = noise(20), noise(20)
    few[:2], many[:3] = train[:2], train[:3]
    assert remarks(train=train, test=few) == ()
    assert remarks(train=train, test=many) == ("3 of 20 test images are train images, too",)
    assert remarks(train=train, validation=train[:2]) == ("all 2 validation images are train images, too",)


def test_images_of_two_classes_and_copies_are_counted():
    images = noise(60)
    images[1:12:2] = images[0:12:2]  # the next row has the other class
    assert remarks(train=images) == ("6 of 54 different training images have several classes ('cat' and 'dog')",)
    images = noise(60)
    images[20:30:2] = images[0:10:2]
    images[30:40:2] = images[0:10:2]
    assert remarks(train=images) == ("10 of 60 training images are copies of others",)


@pytest.mark.parametrize(
    ("scaled", "words"),
    [
        (
            lambda images: (images / 256).astype(np.uint8),
            "every pixel of all 60 train images has the same value, 0 .black",
        ),
        (lambda images: (images / 255 / 255).astype(np.float32), None),
    ],
)
def test_archives_that_were_scaled_twice_or_too_late(tmp_path, caplog, scaled, words):
    images = RNG.integers(0, 256, (60, 8, 8, 3))
    np.savez(tmp_path / "a.npz", x_train=scaled(images), y_train=np.arange(60) % 3)
    if words:
        with pytest.raises(TaskError, match=words):
            open_task(str(tmp_path / "a.npz"))
        return
    task = open_task(str(tmp_path / "a.npz"))
    assert "hardly any contrast: nearly all levels are between 0 and 1" in task.origin
    assert len(caplog.messages) == len(task.remarks) == 1
