"""Signals and measured values as tasks: what is kept, what is refused, how they are brought to a model."""

import numpy as np
import pytest

from archlock.errors import ConfigurationError, TaskError, UnsupportedError
from archlock.tasks import (
    SIMULATORS,
    Split,
    Task,
    conform,
    conform_to,
    digits,
    load_task,
    open_task,
    save_task,
)
from archlock.tasks.moments import measured_moments
from archlock.tasks.rescaling import rearranged
from archlock.testing.small_tasks import small_digits, small_signals
from archlock.testing.tasks import example_source
from archlock.training import Plan, batch_of
from archlock.training.augmentation import augmented
from shared_data import shared

RNG = np.random.default_rng(0)
SIGNALS = RNG.normal(3, 2, (30, 2, 9)).astype(np.float32)
LABELS = np.arange(30) % 3


def written(tmp_path, name="mine.npz", **arrays):
    path = tmp_path / name
    np.savez(path, **{"signal_train": SIGNALS, "y_train": LABELS, **arrays})
    return str(path)


def plainly(tmp_path, **arrays):
    """Under the usual names."""
    path = tmp_path / "plain.npz"
    np.savez(path, **{"x_train": SIGNALS, "y_train": LABELS, **arrays})
    return str(path)


def test_signals_are_kept_as_they_are_with_mean_and_deviation_of_every_channel(tmp_path):
    test = {"signal_test": SIGNALS[:6], "y_test": LABELS[:6]}
    validation = {"signal_validation": SIGNALS[6:12], "y_validation": LABELS[6:12]}
    task = open_task(written(tmp_path, **test, **validation))
    assert (task.form, task.measured, task.shape, len(task.train)) == ("signal", True, (2, 1, 9), 30)
    assert task.train.images.dtype == np.float32
    assert sorted(task.train.images.ravel()) == sorted(SIGNALS.ravel())
    assert task.mean == pytest.approx(SIGNALS.mean((0, 2), dtype=np.float64), abs=1e-5)
    assert task.std == pytest.approx(SIGNALS.std((0, 2), dtype=np.float64), rel=1e-6)
    assert (task.signature.form, task.signature.measured) == ("signal", True)
    assert "(30 train, 6 validation, 6 test signals, 3 classes)" in task.origin
    batch = batch_of(task.train)
    assert np.array_equal(batch.images.numpy()[:, :, 0], task.train.images[:, 0].swapaxes(1, 2))


@pytest.mark.parametrize(
    ("array", "held"),
    [
        (np.rint(SIGNALS * 100).astype(np.int8), np.int16),
        (np.rint(SIGNALS * 100).astype(np.int64), np.int16),
        (np.rint(SIGNALS * 10_000).astype(np.int32), np.float32),
        (SIGNALS.astype(np.float64), np.float32),
        (SIGNALS[:, 0], np.float32),
    ],
)
def test_numbers_of_any_type_become_whole_ones_of_16_bits_or_single_precision(tmp_path, array, held):
    task = open_task(written(tmp_path, signal_train=array))
    assert task.train.images.dtype == held
    kept = np.concatenate([getattr(task, name).images for name in ("train", "validation", "test")])
    assert sorted(kept.ravel()) == sorted(array.astype(held).ravel())


def test_signals_under_other_names_are_signals_when_that_is_said(tmp_path):
    path = plainly(tmp_path)
    said = open_task(path, signals=True)
    assert open_task(f"{path}?layout=NCL").fingerprint == said.fingerprint
    turned = plainly(tmp_path, x_train=SIGNALS.swapaxes(1, 2))
    assert open_task(f"{turned}?layout=NLC").fingerprint == said.fingerprint


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"signal_train": np.where(SIGNALS > 6, np.nan, SIGNALS)}, r"training signals|hold NaN or an infinity"),
        ({"signal_train": np.where(SIGNALS > 6, np.inf, SIGNALS)}, r"hold NaN or an infinity, the first is row \d+"),
        ({"signal_train": np.full((30, 2, 9), 1e300)}, r"values up to 1e\+300 are too large for single precision"),
        ({"signal_train": SIGNALS.astype(object)}, r"signals cut or padded to one length"),
        ({"signal_test": SIGNALS[:6, :, :5], "y_test": LABELS[:6]},
         r"signals of test have 2 channels of 5 steps, those of train 2 of 9; all need one length"),
        ({"signal_test": SIGNALS[:6, :1], "y_test": LABELS[:6]}, r"signals of test have 1 channels of 9 steps"),
        ({"signal_train": RNG.integers(0, 4, (30, 50))}, r"letters by number are no signal.*one-hot"),
        ({"signal_train": np.array([list("ACGT" * 3)] * 30)}, r"letters are no signal.*one-hot"),
        ({"signal_train": SIGNALS.swapaxes(1, 2)[:, :, :1]},
         r"has 9 channels of 1 step as N x C x L; it looks like N x L x C"),
        ({"signal_train": SIGNALS[..., None]}, r"expected signals N x C x L .* got shape \(30, 2, 9, 1\)"),
        ({"signal_train": np.concatenate([SIGNALS, np.full((30, 1, 9), 4.0)], 1)},
         r"channel 2 of 3 .* is 4 in all 30 training signals: there is nothing to see in it"),
        ({"signal_test": SIGNALS[:6], "y_test": LABELS[:6] + 3},
         r"test has signals of class '3', '4', '5', train has none; add training signals"),
        ({"signal_test": SIGNALS, "y_test": LABELS}, r"hold the same signals \(30\)"),
        ({"signal_train": np.ones((30, 2, 9), bool)}, r"expected numbers, got bool"),
        ({"x_train": SIGNALS}, r"signal_train of train are not signals alone"),
        ({"y_train": LABELS[:20]}, r"train has 30 signals but 20 labels; give one label per signal"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_words(tmp_path, arrays, words):
    with pytest.raises(TaskError, match=f"(?s){words}"):
        open_task(written(tmp_path, **arrays))


def test_numbers_at_every_step_of_a_signal_are_a_field(tmp_path):
    smooth = np.cumsum(SIGNALS, axis=2)
    for targets, outputs in ((smooth, 2), (smooth[:, 0], 1)):
        task = open_task(written(tmp_path, y_train=targets, kind="field"))
        assert (task.kind, task.outputs, task.train.targets.shape[1:]) == ("field", outputs, (1, 9, outputs))
        half = conform(task, (2, 1, 5))
        assert half.train.targets.shape[1:] == (1, 5, outputs)


def test_a_smooth_signal_of_few_levels_is_no_text(tmp_path):
    levels = np.rint(2 + 2 * np.sin(np.arange(60) / 7 + RNG.uniform(0, 6, (30, 1)))).astype(np.uint8)
    assert open_task(written(tmp_path, signal_train=levels)).train.images.dtype == np.int16


def test_options_that_do_not_fit_are_refused_in_words(tmp_path):
    path = written(tmp_path)
    with pytest.raises(ConfigurationError, match="'NHWC' is one of images; signals have NCL or NLC"):
        open_task(f"{path}?layout=NHWC")
    with pytest.raises(ConfigurationError, match=r"'mine' holds signals, which have a length and no image size"):
        open_task(path, image_size=16)
    with pytest.raises(TaskError, match=r"signals N x C x L are read with --signals"):
        open_task(plainly(tmp_path, x_train=RNG.normal(size=(30, 1, 40))))
    with pytest.raises(ConfigurationError, match=r"values 'raw' are not known; expected measured or levels"):
        open_task(f"{path}?values=raw")


def test_images_that_are_no_levels_are_kept_where_that_is_said(tmp_path):
    images = RNG.normal(280, 9, (30, 6, 5, 2)).astype(np.float32)
    path = plainly(tmp_path, x_train=images)
    with pytest.raises(TaskError, match=r"outside \[0, 1\].*values=measured"):
        open_task(path)
    task = open_task(f"{path}?values=measured")
    assert (task.form, task.measured, task.shape) == ("image", True, (2, 6, 5))
    assert task.mean == pytest.approx([280, 280], abs=2)
    smaller = conform(task, (2, 3, 3))
    assert smaller.train.images.dtype == np.float32
    assert smaller.mean == pytest.approx(task.mean, abs=2)
    assert {name for name in ("rotation", "coarse", "grey") if SIMULATORS[name].supports(task)} == {
        "rotation",
        "coarse",
    }
    assert "not levels of 0 to 255" in SIMULATORS["shapes"].obstacle(task)


def test_a_task_of_signals_comes_back_from_disk_bit_for_bit(tmp_path):
    task = open_task(written(tmp_path))
    back = load_task(save_task(task, tmp_path / "task.npz"))
    assert (back.fingerprint, back.form, back.mean) == (task.fingerprint, "signal", task.mean)
    assert (
        back.fingerprint != Task("x", task.kind, task.classes, task.train, task.validation, task.test, "").fingerprint
    )


def test_moments_do_not_depend_on_the_order_of_the_values():
    values = (RNG.normal(size=(500, 1, 20, 2)) * [1, 1e4] + [1e3, 0]).astype(np.float32)
    assert measured_moments(values) == measured_moments(values[::-1])
    assert measured_moments(np.full((4, 1, 3, 1), 7.0, dtype=np.float32)) == ((7.0,), (1.0,))


def test_a_task_itself_refuses_what_is_not_finite_and_signals_with_rows():
    good = small_signals()
    bad = good.train.images.astype(np.float32)
    bad[3, 0, 2] = np.nan
    with pytest.raises(TaskError, match=r"1 of 120 signals hold NaN or an infinity, the first is row 3"):
        Task(
            "t", good.kind, good.classes, Split(bad, good.train.targets), good.validation, good.test, "", form="signal"
        )
    pictures = small_digits()
    with pytest.raises(TaskError, match=r"signals must be int16 or float32, N x 1 x length x channels; got uint8"):
        Task("t", "classification", good.classes, pictures.train, pictures.validation, pictures.test, "", form="signal")


def test_a_target_gets_length_channels_and_units_of_the_model():
    source, sensors = small_signals(), small_signals(channels=8)
    fitted = conform_to(sensors, source.signature)
    assert fitted.shape == source.shape
    assert fitted.mean == pytest.approx(source.mean, abs=0.5)
    assert fitted.std == pytest.approx(source.std, rel=0.3)
    assert conform_to(source, source.signature) is source
    assert "signals conformed 8 steps and 8 channels to 64 steps and 1, in the units of the model" in fitted.origin
    loud = [Split(2 * split.images + 5, split.targets) for split in (source.train, source.validation, source.test)]
    louder = Task("louder", "classification", source.classes, *loud, "", form="signal")
    assert conform_to(louder, source.signature).train.images == pytest.approx(source.train.images, abs=1e-3)


def test_channels_are_dealt_out_and_laid_end_to_end_and_none_is_lost():
    values = np.arange(2 * 5 * 3, dtype=np.float32).reshape(2, 1, 5, 3)
    one = rearranged(values, (1, 1, 15))
    assert np.array_equal(one[0, 0, :, 0], np.concatenate([values[0, 0, :, c] for c in range(3)]))
    more = rearranged(values, (4, 1, 5))
    assert np.array_equal(more[..., [0, 1, 2, 3]], values[..., [0, 1, 2, 0]])
    assert rearranged(values, (2, 1, 7)).shape == (2, 1, 7, 2)


def test_images_and_signals_do_not_fit_each_other():
    signals, pictures = small_signals(), small_digits()
    with pytest.raises(UnsupportedError, match=r"the model takes signals, and 'digits' holds images of levels"):
        conform_to(pictures, signals.signature)
    with pytest.raises(
        UnsupportedError, match=r"the model takes images of levels of 0 to 255, and 'rows' holds signals"
    ):
        conform_to(signals, pictures.signature)
    with pytest.raises(ConfigurationError, match=r"have 64 steps and no height; 8 x 8 was asked for"):
        conform(signals, (1, 8, 8))


# images stay what they were: recorded before there were signals
SIMULATED = {
    "coarse": "108c59a5391ae949", "random_grouping": "07d899f322472bb0", "class_subset": "ea885cc982e4f96e",
    "jigsaw": "fd054d39b38525c4", "rotation": "a2f1bccb8843d24b", "autoencoding": "4053ea5fd96267a2",
    "denoising": "455bcedc8433936c", "grey": "2b7e59d02542d61d", "corrupted": "b19d3fc1c6b76afa",
    "rescaled": "3186f49c9a662cc7", "shapes": "970d26f2d302dc85", "textures": "a3df4105f1af0d9d",
    "glyphs": "3fe865a587832b70",
}  # fmt: skip


def test_images_are_bit_for_bit_what_they_were_before_there_were_signals():
    task = digits()
    assert (task.fingerprint, task.mean, task.std) == ("402225cc21283242", (0.30616095604136,), (0.3762305629118432,))
    source = example_source((3, 16, 16))
    assert source.fingerprint == "027cc3df0667e6a8"
    assert {n: s.simulate(source, seed=0).fingerprint for n, s in SIMULATORS.items() if s.supports(source)} == SIMULATED
    assert conform(source, (1, 9, 12)).fingerprint == "46b430edffc0fd6f"
    seen = [batch_of(split) for split in augmented(source.train, Plan(1, batch_size=16), 0)]
    assert [round(float(batch.images.double().sum()), 6) for batch in seen] == BATCHES


BATCHES = [6144.13741, 6127.851136, 6099.451135]


@pytest.mark.parametrize(("name", "shape"), [("ecg5000", (1, 1, 140)), ("emg_gestures", (8, 1, 8))])
def test_recorded_signals_are_read(name, shape):
    task = open_task(str(shared(f"signals/{name}.npz")), signals=True)
    assert task.shape == shape
    assert not task.remarks
