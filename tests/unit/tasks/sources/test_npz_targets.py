import numpy as np
import pytest

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks import npz

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 6, 5, 3)).astype(np.uint8)
LABELS = (RNG.random((30, 3)) < 0.4).astype(np.int64)
FIELDS = RNG.normal(5, 2, (30, 6, 5))


def written(tmp_path, targets, **arrays):
    path = tmp_path / "mine.npz"
    np.savez(path, **{"x_train": IMAGES, "y_train": targets, **arrays})
    return path


def test_a_matrix_of_zeros_and_ones_is_several_labels(tmp_path):
    task = npz(written(tmp_path, LABELS, classes=["car", "dog", "sea"]))
    assert (task.kind, task.classes) == ("labels", ("car", "dog", "sea"))
    assert [len(split) for split in (task.train, task.validation, task.test)] == [18, 6, 6]
    rows = {IMAGES[row].tobytes(): LABELS[row].tolist() for row in range(30)}
    assert all(rows[i.tobytes()] == t.tolist() for i, t in zip(task.train.images, task.train.targets, strict=True))
    assert "mine.npz (30 train images, labels)" in task.origin
    assert npz(written(tmp_path, LABELS.astype(bool))).classes == ("0", "1", "2")


def test_order_of_rows_does_not_matter(tmp_path):
    one = npz(written(tmp_path, LABELS)).fingerprint
    assert npz(written(tmp_path, LABELS[::-1], x_train=IMAGES[::-1])).fingerprint == one


def test_labels_that_a_split_has_nowhere_are_named(tmp_path):
    test = {"x_test": 255 - IMAGES[:6], "y_test": LABELS[:6] * [1, 1, 0] + [[1, 0, 0]] * 6 * (LABELS[:6] < 0)}
    task = npz(written(tmp_path, LABELS, **test))
    assert "no test image has the label '2', which is left out of its score" in task.remarks
    assert task.remarks[-1] in task.origin


def test_numbers_are_standardised_and_fields_divided_and_both_say_so(tmp_path):
    task = npz(written(tmp_path, RNG.normal(40, 7, 30), kind="regression"))
    assert (task.kind, task.outputs, task.chance) == ("regression", 1, 0)
    assert task.train.targets.mean() == pytest.approx(0, abs=1e-6)
    assert task.train.targets.std() == pytest.approx(1, abs=1e-6)
    assert "targets are standardised by mean and deviation of the training split" in task.origin
    task = npz(written(tmp_path, FIELDS, kind="field"))
    assert task.train.targets.shape == (18, 6, 5, 1)
    assert np.square(task.train.targets).mean() == pytest.approx(1, abs=1e-6)
    assert "fields are divided by the root mean square" in task.origin


@pytest.mark.parametrize(
    ("targets", "more", "words"),
    [
        (LABELS * [1, 0, 1], {"kind": "labels"}, "no training image has the label '1': there is nothing to tell apart"),
        (LABELS | [0, 0, 1], {}, "every training image has the label '2'.*leave the label out"),
        (LABELS[:, :1], {"kind": "labels"}, "several labels are at least two, got 1"),
        (LABELS * 2, {"kind": "labels"}, r"labels are 0 or 1 for every image; \d+ of 30 rows hold something else"),
        (LABELS, {"classes": ["a", "b"]}, "3 columns of labels, but 2 names"),
        (LABELS[:20], {}, "train has 30 images but 20 targets"),
        (np.eye(30), {}, r"for one-hot labels use y_train.argmax"),
        (
            np.full(30, 2.5),
            {"kind": "regression"},
            r"number 0 of the targets is 2.5 for all \d+ \w+ images: there is nothing to predict",
        ),
        (np.r_[np.nan, np.arange(29)], {"kind": "regression"}, "1 of 30 targets hold NaN or an infinity.*row 0"),
        (np.r_[1e300, np.arange(29)], {"kind": "regression"}, "1 of 30 targets hold NaN or an infinity"),
        (np.array(["a"] * 30), {"kind": "regression"}, "targets are N numbers or N x D; got <U1"),
        (FIELDS[:, :4], {"kind": "field"}, r"of the size of the images \(30, 6, 5\); got float32 \(30, 4, 5, 1\)"),
        (np.ones((30, 6, 5)), {"kind": "field"}, "training fields are the same: there is nothing to predict"),
        (LABELS, {"y_test": LABELS[:3], "x_test": IMAGES[:0]}, "test has 0 images but 3 targets"),
    ],
)
def test_what_cannot_be_learned_is_refused(tmp_path, targets, more, words):
    with pytest.raises(TaskError, match=words):
        npz(written(tmp_path, targets, **more))


def test_an_unknown_kind_is_refused_with_those_that_are_known(tmp_path):
    with pytest.raises(ConfigurationError, match="kind 'ranking' is not known; expected classification, dense, labels"):
        npz(written(tmp_path, LABELS, kind="ranking"))
