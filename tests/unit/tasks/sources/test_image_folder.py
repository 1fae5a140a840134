import os
import shutil

import numpy as np
import pytest
from PIL import Image

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks import image_folder
from folders import write_folder, write_image
from shared_data import shared


def test_a_class_for_each_subfolder(tmp_path):
    task = image_folder(write_folder(tmp_path / "pets", {"dog": 5, "cat": 10}))
    assert (task.name, task.classes, task.shape) == ("pets", ("cat", "dog"), (3, 10, 10))
    assert [np.bincount(s.targets).tolist() for s in (task.train, task.validation, task.test)] == [
        [6, 3],
        [2, 1],
        [2, 1],
    ]
    assert task.origin == "image folder pets (15 images in 2 classes)"
    cats = {np.asarray(Image.open(path)).tobytes() for path in (tmp_path / "pets" / "cat").iterdir()}
    for split in (task.train, task.validation, task.test):
        assert [image.tobytes() in cats for image in split.images] == (split.targets == 0).tolist()


@pytest.mark.parametrize("validation", ["val", "valid", "validation", None])
def test_given_splits(tmp_path, validation):
    for split, count in (("train", 10), ("test", 3), (validation, 2)):
        if split:
            write_folder(tmp_path / split, {"cat": count, "dog": count + 1})
    task = image_folder(tmp_path)
    assert len(task.test) == 7
    assert (len(task.train), len(task.validation)) == ((21, 5) if validation else (17, 4))


def test_train_and_validation_alone_make_a_test_split(tmp_path):
    write_folder(tmp_path / "train", {"cat": 10, "dog": 10})
    write_folder(tmp_path / "val", {"cat": 3, "dog": 3})
    task = image_folder(tmp_path)
    assert [len(s) for s in (task.train, task.validation, task.test)] == [16, 6, 4]


def test_a_class_may_be_called_train_or_valid(tmp_path):
    assert image_folder(write_folder(tmp_path / "a", {"bus": 4, "train": 4})).classes == ("bus", "train")
    assert image_folder(write_folder(tmp_path / "b", {"valid": 4, "invalid": 4, "test": 4})).classes == (
        ("invalid", "test", "valid")
    )


def test_the_same_files_are_the_same_task_wherever_they_lie(tmp_path):
    write_folder(tmp_path / "a", {"x": 6, "y": 6})
    (tmp_path / "b" / "x").mkdir(parents=True)
    (tmp_path / "b" / "y" / "deep" / "er").mkdir(parents=True)
    for index in reversed(range(6)):  # other names, another order, nested
        shutil.copy(tmp_path / "a" / "x" / f"{index}.png", tmp_path / "b" / "x" / f"z{9 - index}.PNG")
        shutil.copy(tmp_path / "a" / "y" / f"{index}.png", tmp_path / "b" / "y" / "deep" / "er" / f"{index}.png")
    assert image_folder(tmp_path / "a").fingerprint == image_folder(tmp_path / "b").fingerprint
    assert image_folder(tmp_path / "a").fingerprint != image_folder(tmp_path / "a", seed=1).fingerprint


def test_other_files_hidden_files_and_links(tmp_path):
    write_folder(tmp_path / "data", {"x": 4, "y": 4})
    before = image_folder(tmp_path / "data").fingerprint
    for name in (".DS_Store", "Thumbs.db", "notes.txt", "._0.png", "labels.csv"):
        (tmp_path / "data" / "x" / name).write_bytes(b"junk")
        (tmp_path / "data" / name).write_bytes(b"junk")
    (tmp_path / "data" / "__MACOSX").mkdir()
    (tmp_path / "data" / ".git").mkdir()
    os.mkfifo(tmp_path / "data" / "x" / "pipe.png")
    (tmp_path / "data" / "x" / "loop").symlink_to(tmp_path / "data" / "x")
    assert image_folder(tmp_path / "data").fingerprint == before
    shutil.move(tmp_path / "data" / "y", tmp_path / "elsewhere")
    (tmp_path / "data" / "y").symlink_to(tmp_path / "elsewhere")
    target = tmp_path / "data" / "x" / "0.png"
    shutil.move(target, tmp_path / "away.png")
    target.symlink_to(tmp_path / "away.png")
    assert image_folder(tmp_path / "data").fingerprint == before
    (tmp_path / "away.png").unlink()
    with pytest.raises(TaskError, match=r"1 of 8 images cannot be used: .*x/0\.png cannot be read .*No such file"):
        image_folder(tmp_path / "data")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([(30, 20), (22, 40), (90, 24)], 22), ([(200, 300)], 64), ([(5, 6)], 8), ([(20, 30), (21, 30)], 20)],
)
def test_the_side_is_the_median_of_the_smaller_sides(tmp_path, sizes, expected):
    for name in "ab":
        (tmp_path / name).mkdir()
        for index, size in enumerate(sizes * 3):
            write_image(tmp_path / name / f"{index}.png", size=size)
    assert image_folder(tmp_path).shape == (3, expected, expected)
    assert image_folder(tmp_path, image_size=13).shape == (3, 13, 13)


def test_grey_only_if_every_image_is(tmp_path):
    write_folder(tmp_path, {"a": 4, "b": 4}, mode="L")
    assert image_folder(tmp_path).shape == (1, 10, 10)
    write_image(tmp_path / "a" / "colour.png")
    assert image_folder(tmp_path).shape == (3, 10, 10)


def test_bad_images_are_named_or_skipped(tmp_path):
    write_folder(tmp_path, {"a": 5, "b": 5})
    before = image_folder(tmp_path).fingerprint
    (tmp_path / "a" / "text.jpg").write_text("I am no image")
    whole = write_image(tmp_path / "b" / "cut.png").read_bytes()
    (tmp_path / "b" / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        TaskError, match=r"1 of 12 images cannot be used: .*a/text\.jpg is not an image in a known format"
    ):
        image_folder(tmp_path)
    with pytest.raises(
        TaskError, match=r"2 of 12 .*text\.jpg .*; .*b/cut\.png cannot be read .*skip_bad \(--skip-bad\)"
    ):
        image_folder(tmp_path, image_size=10)
    for size in (None, 10):
        task = image_folder(tmp_path, image_size=size, skip_bad=True)
        assert task.skipped == ("a/text.jpg", "b/cut.png")
        assert task.fingerprint == before


def test_many_bad_images_are_counted(tmp_path):
    write_folder(tmp_path, {"a": 5, "b": 5})
    for index in range(9):
        (tmp_path / "a" / f"bad{index}.png").touch()
    with pytest.raises(TaskError, match=r"9 of 19 images cannot be used: .*bad4\.png is not [^;]*; and 4 more; repair"):
        image_folder(tmp_path)


def test_skipping_cannot_leave_nothing(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").touch()
    with pytest.raises(TaskError, match=r"2 of 2 images cannot be used.*; repair them"):
        image_folder(tmp_path, skip_bad=True)
    write_folder(tmp_path / "split" / "train", {"a": 3, "b": 3})
    for name in "ab":
        (tmp_path / "split" / "test" / name).mkdir(parents=True)
        (tmp_path / "split" / "test" / name / "x.png").touch()
    with pytest.raises(TaskError, match="split: none of the test images can be read; repair them"):
        image_folder(tmp_path / "split", skip_bad=True)


def test_skipping_can_leave_too_few_of_a_class(tmp_path):
    write_folder(tmp_path, {"a": 5, "b": 2})
    (tmp_path / "b" / "x.png").touch()
    with pytest.raises(TaskError, match="class 'b' has 2 training images; each class needs at least 3"):
        image_folder(tmp_path, skip_bad=True)


def test_progress_is_told_step_by_step(tmp_path):
    steps = []
    image_folder(write_folder(tmp_path, {"a": 4, "b": 4}), progress=lambda *step: steps.append(step))
    assert steps == [(done, 8) for done in range(1, 9)]


def folder_without_images(root):
    (root / "a").mkdir()
    (root / "a" / "notes.txt").touch()


def folder_with_an_empty_class(root):
    write_folder(root, {"a": 3})
    (root / "b").mkdir()


def split_without(split, extra):
    def make(root):
        write_folder(root / "train", {"a": 3, "b": 3})
        write_folder(root / split, {"a": 3, extra: 3})

    return make


def two_validations(root):
    for name in ("train", "val", "valid"):
        write_folder(root / name, {"a": 3, "b": 3})


def stray(root):
    write_folder(root / "train", {"a": 3, "b": 3})
    (root / "unlabelled").mkdir()


def loose(root):
    for index in range(3):
        write_image(root / f"{index}.png")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: None, "holds no images; put the images of each class into a subfolder named after the class"),
        (loose, "holds 3 images but no subfolders; put the images of each class into a subfolder"),
        (folder_without_images, r"holds no images; expected files ending in \.bmp, \.gif"),
        (folder_with_an_empty_class, "b holds no images; add images of class 'b', or remove the folder"),
        (lambda root: write_folder(root, {"cat": 9}), r"one class only \('cat'\); a task needs at least two"),
        (
            lambda root: write_folder(root, {"a": 9, "b": 2}),
            "class 'b' has 2 training images; each class needs at least 3",
        ),
        (split_without("test", "c"), r"test lacks b and also has c, compared with the classes of .*train"),
        (split_without("val", "c"), r"val lacks b and also has c, compared with the classes of .*train"),
        (two_validations, "has valid and val; keep one folder for validation"),
        (stray, r"unlabelled lies beside train/ and is not a split; expected only train, test and validation"),
    ],
)
def test_what_is_wrong_is_said_with_names(tmp_path, make, words):
    root = tmp_path / "mine"
    root.mkdir()
    make(root)
    with pytest.raises(TaskError, match=words) as caught:
        image_folder(root)
    assert str(root) in str(caught.value)


def test_places_that_are_no_folders(tmp_path):
    with pytest.raises(TaskError, match=r"nowhere does not exist; give a folder with a subfolder"):
        image_folder(tmp_path / "nowhere")
    (tmp_path / "file.zip").touch()
    with pytest.raises(TaskError, match=r"file\.zip is a file; give a folder with a subfolder"):
        image_folder(tmp_path / "file.zip")
    with pytest.raises(ConfigurationError, match="image size 0 is not possible"):
        image_folder(tmp_path, image_size=0)


def test_masks_beside_their_images_are_told(tmp_path):
    write_folder(tmp_path, {"benign": 5, "normal": 5})
    assert image_folder(tmp_path).remarks == ()
    for name in ("0_mask", "1_mask_1", "2-Seg", "alone_mask", "mask"):
        write_image(tmp_path / "benign" / f"{name}.png", rng=np.random.default_rng(len(name)))
    (said,) = image_folder(tmp_path).remarks
    assert said == "3 images look like masks of another beside it (0_mask.png); should masks be learned from?"


def test_names_that_are_no_text(tmp_path):
    write_folder(tmp_path, {"a": 3, "b": 3})
    bad = os.fsencode(tmp_path / "a") + b"/\xff.png"
    with open(bad, "wb") as stream:  # noqa: PTH123  (a path that is bytes)
        stream.write(b"no image")
    task = image_folder(tmp_path, skip_bad=True)
    assert task.skipped == ("a/\udcff.png",)


def test_a_folder_of_real_images_is_the_task_of_its_archive(tmp_path):
    with np.load(shared("images/neu_defects.npz")) as archive:
        images, labels = archive["x_test"][:120], archive["y_test"][:120]
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / str(label) / f"{row}.png")
    np.savez(tmp_path / "same.npz", x_train=images, y_train=labels)
    from archlock.tasks import npz

    assert image_folder(tmp_path).fingerprint == npz(tmp_path / "same.npz").fingerprint
