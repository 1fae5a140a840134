import numpy as np
import pytest
from PIL import Image

from archlock.errors import TaskError
from archlock.tasks import image_folder, open_task
from folders import write_folder, write_image

CLASSES = {"glioma": 4, "notumor": 4}


def layout(root, *splits, classes=None):
    for split in splits:
        write_folder(root / split, classes or {name: 4 + len(split) for name in CLASSES})
    return root


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("Training", None, "Testing"),
        ("TRAIN", None, "TEST"),
        ("train_set", "val_set", "test_set_2"),
        ("Train", "dev", "eval"),
        ("train_images", "Validation", None),
        ("train", "evaluation", "test"),
    ],
)
def test_splits_are_known_whatever_their_case(tmp_path, train, validation, test):
    task = image_folder(layout(tmp_path, *filter(None, (train, validation, test))))
    assert task.classes == ("glioma", "notumor")
    sizes = {name: 2 * (4 + len(name)) for name in (train, validation, test) if name}  # as made by layout()
    if validation:
        assert len(task.validation) == sizes[validation]
    if test:
        assert len(task.test) == sizes[test]
    assert sum(map(len, (task.train, task.validation, task.test))) == sum(sizes.values())


def mixed(root):
    write_folder(root, {"cat": 4, "dog": 4})
    layout(root, "test", classes={"cat": 3, "dog": 3})


def with_part(root):
    write_folder(root, {"cat": 4, "dog": 4, "owl": 4})
    layout(root, "Test", classes={"cat": 3})


def turned(root):
    for name in ("cat", "dog"):
        write_folder(root / name, {"train": 4, "test": 4})


def with_masks(root):
    for name in ("cat", "dog"):
        write_folder(root / name, {"images": 4, "masks": 4})


def one_lacks_a_class(root):
    layout(root, "lernen", classes={"a": 3, "b": 3, "c": 3})
    layout(root, "lernkontrolle", classes={"a": 3, "b": 3})


def flat_test(root):
    layout(root, "train")
    write_folder(root, {"test": 3})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: layout(root, "lernen", "pruefen"), "lernen and pruefen all hold the folders glioma and notumor"),
        (
            lambda root: layout(root, "val", "test"),
            "test and val all hold the folders glioma and notumor, so they look",
        ),
        (one_lacks_a_class, "lernen and lernkontrolle all hold the folders a and b, so they look like splits"),
        (
            with_masks,
            "cat and dog all hold the folders images and masks, so they look like splits and not like classes;",
        ),
        (turned, r"cat and dog all hold the folders test and train.*turn them around, as in train/CLASS"),
        (mixed, r"test holds cat and dog, and so does .*: a split beside class folders; move the other class folders"),
        (with_part, r"Test holds cat, and so does .*: a split beside class folders"),
        (
            lambda root: write_folder(root, {"train": 4, "test": 4}),
            "test and train look like splits and hold no class fol",
        ),
        (lambda root: write_folder(root, {"trainA": 4, "testA": 4, "trainB": 4}), "testA and trainA look like splits"),
        (lambda root: layout(root, "seg_train", "seg_test"), "seg_test and seg_train look like splits; expected train"),
        (
            lambda root: layout(root, "train", "Training", "test"),
            "has train and Training; keep one folder for training",
        ),
        (
            lambda root: layout(root, "data"),
            "holds one folder only, 'data', with glioma and notumor in it.*then give .*data",
        ),
        (flat_test, r"test lacks glioma, notumor, compared with .*train: it is a split \(test\) without class folders"),
    ],
)
def test_what_looks_like_splits_and_is_not_understood_is_named(tmp_path, make, words):
    make(tmp_path)
    with pytest.raises(TaskError, match=words):
        image_folder(tmp_path)


def test_every_subfolder_is_a_class_where_the_owner_says_so(tmp_path):
    with_masks(tmp_path)
    assert image_folder(tmp_path, splits=False).classes == ("cat", "dog")
    assert open_task(f"{tmp_path}?splits=none").classes == ("cat", "dog")
    write_folder(tmp_path / "b", {"train": 4, "test": 4})
    assert open_task(f"{tmp_path / 'b'}?splits=none").classes == ("test", "train")


def test_classes_that_are_nested_in_other_ways_are_classes(tmp_path):
    for name in ("cat", "dog"):
        write_folder(tmp_path / "a" / name, {"images": 4})
        write_folder(tmp_path / "b" / name, {f"{name} {number}": 4 for number in range(3)})
    assert image_folder(tmp_path / "a").classes == image_folder(tmp_path / "b").classes == ("cat", "dog")
    write_folder(tmp_path / "c", {"bus": 4, "tram": 4, "car": 4})
    write_folder(tmp_path / "c" / "train" / "steam", {"a": 4})
    (tmp_path / "c" / "train").rename(tmp_path / "c" / "bullet train")
    assert len(image_folder(tmp_path / "c").classes) == 4


def test_folders_of_systems_are_none_of_the_owner(tmp_path):
    write_folder(tmp_path, {"cat": 4, "dog": 4})
    before = image_folder(tmp_path)
    for name in (".ipynb_checkpoints", "__MACOSX", "@eaDir", "$RECYCLE.BIN"):
        (tmp_path / name).mkdir()
        (tmp_path / "cat" / name).mkdir()
        write_image(tmp_path / name / "x.png")
        write_image(tmp_path / "cat" / name / "SYNOPHOTO_THUMB_M.jpg")
    after = image_folder(tmp_path)
    assert (after.fingerprint, after.remarks) == (before.fingerprint, ())
    write_folder(tmp_path, {"__old": 2})
    assert image_folder(tmp_path).remarks == ("the folders __old are not used, as their names begin with __",)


def test_images_beside_the_class_folders_are_told(tmp_path):
    write_folder(tmp_path / "train", {"cat": 4, "dog": 4})
    write_image(tmp_path / "stray.png")
    write_image(tmp_path / "train" / "stray.jpg")
    task = image_folder(tmp_path)
    assert task.remarks == ("2 images lie beside the class folders, of no class: not used",)
    assert task.remarks[0] in task.origin


def test_names_that_are_no_utf8_are_shown_escaped(tmp_path):
    import os

    for name in (b"caf\xe9", b"th\xe9", b"eau"):
        folder = os.fsencode(tmp_path / "dr") + b"\xe9nks/" + name
        os.makedirs(folder)  # noqa: PTH103  (a path that is bytes)
        for number in range(4):
            with open(folder + b"/%d.png" % number, "wb") as stream:  # noqa: PTH123
                Image.fromarray(np.full((9, 9), 20 * number + len(name), np.uint8)).save(stream, "PNG")
    task = image_folder(next(tmp_path.iterdir()))
    assert (task.name, task.classes) == ("dr\\xe9nks", ("caf\\xe9", "eau", "th\\xe9"))
    for text in (task.name, task.origin, *task.classes, *task.remarks):
        assert text.encode()
    (next(tmp_path.iterdir()) / "leer").mkdir()
    with pytest.raises(TaskError, match="holds no images") as caught:
        image_folder(next(tmp_path.iterdir()))
    assert str(caught.value).encode()
