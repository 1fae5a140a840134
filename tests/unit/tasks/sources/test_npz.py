import io

import numpy as np
import pytest
from PIL import Image

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks import npz, open_task
from shared_data import shared

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 6, 5, 3)).astype(np.uint8)
LABELS = np.arange(30) % 3


def written(tmp_path, **arrays):
    path = tmp_path / "mine.npz"
    np.savez(path, **{"x_train": IMAGES, "y_train": LABELS, **arrays})
    return path


def pack(images, **options):
    """(bytes end to end, offsets) of lossless files."""
    files = []
    for image in images:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, **{"format": "PNG", **options})
        files.append(stream.getvalue())
    return np.frombuffer(b"".join(files), np.uint8), np.cumsum([0, *map(len, files)])


def packed(tmp_path, **arrays):
    jpeg, off = pack(IMAGES)
    path = tmp_path / "pack.npz"
    np.savez(path, **{"jpeg_train": jpeg, "off_train": off, "y_train": LABELS, **arrays})
    return path


def test_one_split_becomes_three(tmp_path):
    task = npz(written(tmp_path))
    assert [len(split) for split in (task.train, task.validation, task.test)] == [18, 6, 6]
    assert (task.name, task.shape, task.classes) == ("mine", (3, 6, 5), ("0", "1", "2"))
    assert "mine.npz (30 train images, 3 classes)" in task.origin


def test_given_splits_and_names_are_kept(tmp_path):
    path = written(
        tmp_path,
        x_test=IMAGES[:4],
        y_test=LABELS[:4],
        x_validation=IMAGES[4:9],
        y_validation=LABELS[4:9],
        classes=np.array(["cat", "dog", "owl"]),
        other=np.zeros(3),
    )
    task = npz(path)
    assert [len(split) for split in (task.train, task.validation, task.test)] == [30, 5, 4]
    assert task.classes == ("cat", "dog", "owl")
    assert npz(written(tmp_path, classes=np.array([b"cat", b"dog", b"owl"]))).classes == task.classes


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "uint64", "int64", ">i4"])
def test_labels_of_any_whole_type(tmp_path, dtype):
    assert npz(written(tmp_path, y_train=LABELS.astype(dtype))).fingerprint == npz(written(tmp_path)).fingerprint
    assert (
        npz(written(tmp_path, y_train=LABELS.astype(dtype)[:, None])).fingerprint == npz(written(tmp_path)).fingerprint
    )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_in_the_unit_interval_are_rounded(tmp_path, dtype):
    assert npz(written(tmp_path, x_train=(IMAGES / 255).astype(dtype))).shape == (3, 6, 5)
    exact = npz(written(tmp_path, x_train=(IMAGES / 255).astype("float64")))
    assert exact.fingerprint == npz(written(tmp_path)).fingerprint


def test_grey_images_have_one_channel_and_mix_with_colour(tmp_path):
    assert npz(written(tmp_path, x_train=IMAGES[..., 0])).shape == (1, 6, 5)
    task = npz(written(tmp_path, x_test=IMAGES[:3, ..., 0], y_test=LABELS[:3]))
    assert task.shape == (3, 6, 5)
    assert np.array_equal(task.test.images[..., 0], task.test.images[..., 2])


def test_a_pack_is_the_same_task_as_its_images(tmp_path):
    assert npz(packed(tmp_path)).fingerprint == npz(written(tmp_path)).fingerprint


@pytest.mark.parametrize("name", ["cifar10", "neu_defects"])
def test_real_archives(name):
    path = shared(f"images/{name}.npz")
    task = npz(path)
    with np.load(path) as archive:
        images, labels, classes = archive["x_test"], archive["y_test"], archive["classes"]
    label_of = dict(zip(map(np.ndarray.tobytes, images), labels.tolist(), strict=True))
    assert [label_of[image.tobytes()] for image in task.test.images] == task.test.targets.tolist()
    assert task.classes == tuple(classes.tolist())
    assert len(set(task.class_balance)) == 1


def test_a_real_pack():
    task = npz(shared("images/cifar100.npz"))
    assert [len(split) for split in (task.train, task.validation, task.test)] == [2400, 600, 1000]
    assert len(task.classes) == 100
    # README of the data: channel means of the full train split
    np.testing.assert_allclose(task.mean, (0.5071, 0.4865, 0.4409), atol=0.01)


NOISY = IMAGES / 255
NOISY[7, 0, 0, 0] = np.nan
LOUD = IMAGES.astype(np.float32)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_train": NOISY}, r"key 'x_train': 1 of 30 images hold NaN or an infinity, the first is row 7; clean"),
        ({"x_train": LOUD}, r"key 'x_train': 30 of 30 images hold a value outside \[0, 1\], the first is row 0"),
        (
            {"x_train": IMAGES.astype(int)},
            r"expected uint8, or floats in \[0, 1\], got int64.*x_train.astype\(numpy.uint8",
        ),
        ({"x_train": IMAGES > 9}, r"expected uint8, or floats in \[0, 1\], got bool"),
        ({"x_train": IMAGES.reshape(30, -1)}, r"expected images N x H x W or N x H x W x C, got shape \(30, 90\)"),
        ({"x_train": np.zeros((30, 0, 4), np.uint8)}, r"got shape \(30, 0, 4\)"),
        (
            {"x_train": IMAGES.transpose(0, 3, 1, 2)},
            r"\(30, 3, 6, 5\) looks like N x C x H x W.*transpose\(0, 2, 3, 1\)",
        ),
        ({"x_train": IMAGES[:29]}, "train has 29 images but 30 labels; give one label per image"),
        ({"x_train": IMAGES[:0], "y_train": LABELS[:0]}, "train holds no images; put the training images into x_train"),
        ({"y_train": LABELS - 1}, "key 'y_train': labels run from -1 to 1; expected 0 to the number of classes - 1"),
        ({"y_train": LABELS + 2**40}, "labels run from 1099511627776 to"),
        ({"y_train": LABELS / 2}, "key 'y_train': expected whole numbers from 0, got float64"),
        ({"y_train": np.eye(30)}, r"key 'y_train': expected one label per image .*got shape \(30, 30\).*argmax"),
        ({"y_train": np.array(["a"] * 30)}, "expected whole numbers from 0, got <U1; number the classes from 0"),
        ({"y_train": LABELS * 0}, r"mine\.npz: one class only \('0'\); a task needs at least two"),
        (
            {"y_train": LABELS + 2_000_000_000},
            "labels go up to 2000000002, but there are only 30 training images; number",
        ),
        ({"y_train": LABELS + 1}, r"class '0' has 0 training images; each class needs at least 3"),
        ({"classes": np.array(["a", "b"])}, r"y_train has the label 2, but classes names only 2 \(labels 0 to 1\)"),
        ({"classes": np.array(["a", "b", "a"])}, r"key 'classes': the name 'a' occurs more than once"),
        ({"classes": np.arange(3)}, "key 'classes': expected a list of names, got int64"),
        ({"classes": np.array(list("abcd"))}, "class 'd' has 0 training images"),
        ({"x_test": IMAGES}, "has x_test but no y_test; give both, or neither"),
        ({"y_validation": LABELS}, "has y_validation but no x_validation; give both, or neither"),
        ({"x_test": IMAGES[:, :4], "y_test": LABELS}, r"images of test are \(4, 5, 3\), those of train \(6, 5, 3\)"),
        ({"x_test": IMAGES[..., :2], "y_test": LABELS}, r"images of test are \(6, 5, 2\), those of train"),
        ({"x_test": IMAGES, "y_test": LABELS + 1}, "test has images of class '3', train has none"),
        ({"x_train": np.array([None] * 30)}, "key 'x_train': holds Python objects, which can run code when read"),
    ],
)
def test_what_is_wrong_is_said_with_names(tmp_path, arrays, words):
    if "classes" in arrays or "x_test" in arrays:
        arrays = {"x_train": IMAGES, **arrays}
    with pytest.raises(TaskError, match=words) as caught:
        npz(written(tmp_path, **arrays))
    assert "mine.npz" in str(caught.value)


def test_keys_that_are_not_there(tmp_path):
    np.savez(tmp_path / "other.npz", images=IMAGES, y_train=LABELS)
    with pytest.raises(
        TaskError, match=r"other\.npz has no images and labels .* it has: y_train\); expected x_train and"
    ):
        npz(tmp_path / "other.npz")


JPEG, OFF = pack(IMAGES)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"off_train": OFF[::-1]}, f"key 'off_train': offsets must ascend from 0 to at most {len(JPEG)}"),
        ({"off_train": OFF - 1}, "offsets must ascend"),
        ({"off_train": OFF + 1}, "offsets must ascend"),
        ({"off_train": np.r_[OFF[:5], OFF[4:]]}, "offsets must ascend"),
        ({"off_train": OFF.astype(float)}, r"expected N \+ 1 whole numbers, got float64"),
        ({"off_train": OFF[:1]}, r"expected N \+ 1 whole numbers, got int64 \(1,\)"),
        ({"off_train": OFF[:-1]}, "train has 29 images but 30 labels"),
        ({"jpeg_train": JPEG.astype(np.int16)}, "key 'jpeg_train': expected bytes .uint8, one axis., got int16"),
        (
            {"jpeg_train": np.r_[JPEG[: OFF[3]], JPEG[OFF[3] :] * 0]},
            "key 'jpeg_train', image 3: is not an image in a known",
        ),
    ],
)
def test_what_is_wrong_with_a_pack(tmp_path, arrays, words):
    with pytest.raises(TaskError, match=words) as caught:
        npz(packed(tmp_path, **arrays))
    assert "pack.npz" in str(caught.value)


def test_a_pack_of_many_sizes_and_one_without_offsets(tmp_path):
    jpeg, off = pack([*IMAGES[:-1], IMAGES[0, :4]])
    with pytest.raises(
        TaskError, match=r"image 29: is \(4, 5\), but image 0 is \(6, 5\); a pack holds images of one size"
    ):
        npz(packed(tmp_path, jpeg_train=jpeg, off_train=off))
    np.savez(tmp_path / "half.npz", jpeg_train=jpeg, y_train=LABELS)
    with pytest.raises(TaskError, match=r"half\.npz has jpeg_train but no off_train"):
        npz(tmp_path / "half.npz")


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        (("x_train", "y_train"), ("x_val", "y_val"), ("x_test", "y_test")),
        (("train_images", "train_labels"), ("val_images", "val_labels"), ("test_images", "test_labels")),
        (("X_train", "Y_train"), ("X_dev", "Y_dev"), ("X_TEST", "Y_TEST")),
        (("trainX", "trainY"), ("validX", "validY"), ("testX", "testY")),
        (("Xtrain", "ytrain"), ("Xval", "yval"), ("Xtest", "ytest")),
        (("train_set_x", "train_set_y"), ("eval_set_x", "eval_set_y"), ("test_set_x", "test_set_y")),
        (("images", "labels"), ("val_images", "val_labels"), ("test_images", "test_targets")),
        (("train_data", "train_targets"), ("x_validation", "y_validation"), ("test_imgs", "test_label")),
        (("X", "y"), ("X_valid", "y_valid"), ("X_holdout", "y_holdout")),
    ],
)
def test_usual_names_of_arrays(tmp_path, train, validation, test):
    parts = {train: slice(0, 15), validation: slice(15, 24), test: slice(24, 30)}
    arrays = {x: IMAGES[part] for (x, _), part in parts.items()} | {y: LABELS[part] for (_, y), part in parts.items()}
    np.savez(tmp_path / "usual.npz", **arrays)
    task = npz(tmp_path / "usual.npz")
    assert ([len(s) for s in (task.train, task.validation, task.test)], task.remarks) == ([15, 9, 6], ())
    label_of = dict(zip(map(np.ndarray.tobytes, IMAGES), LABELS.tolist(), strict=True))
    assert [label_of[image.tobytes()] for image in task.validation.images] == task.validation.targets.tolist()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"x_extra": IMAGES},
            r"key 'x_extra' \(uint8 30 x 6 x 5 x 3\) looks like images of a split and is not understood",
        ),
        ({"images_unlabelled": IMAGES}, "key 'images_unlabelled' .* looks like images of a split"),
        ({"test_crops": IMAGES}, "key 'test_crops' .* looks like images of a split"),
        ({"x_te": IMAGES, "y_te": LABELS}, "key 'x_te' .* looks like images of a split"),
        ({"holdout": IMAGES}, "key 'holdout' .* looks like images of a split"),
        ({"images": IMAGES}, "key 'images' .* looks like images of a split"),
        ({"x_val": IMAGES, "x_validation": IMAGES}, "has x_val and x_validation, both images of validation; keep one"),
        ({"train_images": IMAGES}, "has x_train and train_images, both images of train; keep one"),
        ({"x_val": IMAGES}, "has x_val but no y_validation; give both, or neither"),
    ],
)
def test_keys_that_look_like_a_split_are_named(tmp_path, arrays, words):
    with pytest.raises(TaskError, match=words):
        npz(written(tmp_path, x_train=IMAGES, **arrays))


def test_the_keys_that_a_file_has_are_named(tmp_path):
    np.savez(tmp_path / "a.npz", x_tr=IMAGES, arr_0=LABELS)
    with pytest.raises(
        TaskError, match=r"its keys: x_tr \(uint8 30 x 6 x 5 x 3\), arr_0 \(int64 30\); of the known .* none"
    ):
        npz(tmp_path / "a.npz")


def test_what_accompanies_images_is_told_and_not_used(tmp_path):
    task = npz(
        written(tmp_path, train_ids=LABELS, masks_train=IMAGES[..., 0], y_train_coarse=LABELS, note=np.array("a"))
    )
    said = "these arrays of the archive are not used: train_ids (int64 30), masks_train (uint8 30 x 6 x 5), "
    assert task.remarks == (f"{said}y_train_coarse (int64 30)",)
    assert task.fingerprint == npz(written(tmp_path)).fingerprint


def test_a_pack_without_the_name_of_a_split_is_to_train_on(tmp_path):
    jpeg, off = pack(IMAGES)
    np.savez(tmp_path / "plain.npz", jpeg=jpeg, off=off, y=LABELS, size=np.array([6, 5]))
    task = npz(tmp_path / "plain.npz")
    assert (task.fingerprint, task.remarks) == (npz(packed(tmp_path)).fingerprint, ())


def test_names_of_classes_are_shown_escaped_or_refused(tmp_path):
    assert npz(written(tmp_path, classes=np.array([b"caf\xe9", b"b\n", b"c"]))).classes == ("caf\\xe9", "b\\n", "c")
    with pytest.raises(TaskError, match=r"key 'classes': the name of class 'x+' has 2,000 letters"):
        npz(written(tmp_path, classes=np.array(["x" * 2000, "b", "c"])))
    assert npz(written(tmp_path, class_names=np.array(["a", "b", "c"]))).classes == ("a", "b", "c")


@pytest.mark.parametrize(("axes", "layout"), [((0, 3, 1, 2), "NCHW"), ((0, 1, 2, 3), "NHWC")])
def test_a_layout_that_is_said(tmp_path, axes, layout):
    before = npz(written(tmp_path)).fingerprint
    turned = IMAGES.transpose(axes)
    assert npz(written(tmp_path, x_train=turned, layout=np.array(layout))).fingerprint == before
    assert npz(written(tmp_path, x_train=turned), layout=layout).fingerprint == before
    assert open_task(f"{written(tmp_path, x_train=turned)}?layout={layout}").fingerprint == before
    with pytest.raises(ConfigurationError, match="layout 'HWCN' is not known; expected NHWC, NCHW, NHW"):
        npz(written(tmp_path), layout="HWCN")
