import numpy as np
import pytest
from PIL import Image

from archlock.errors import ConfigurationError
from archlock.tasks import SIMULATORS, Split, conform, load_task, save_task
from archlock.tasks.conform import grey_levels, with_channels
from archlock.testing.tasks import example_source


def test_a_task_that_fits_is_returned_itself():
    task = example_source((3, 8, 8))
    assert conform(task, (3, 8, 8)) is task


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 5), (4, 3, 3), (2, 9, 9)])
def test_shape_changes_and_nothing_else(shape):
    task = example_source((3, 8, 8))
    fitted = conform(task, shape)
    assert fitted.shape == shape
    assert (fitted.name, fitted.kind, fitted.classes) == (task.name, task.kind, task.classes)
    for name in ("train", "validation", "test"):
        assert np.array_equal(getattr(fitted, name).targets, getattr(task, name).targets)
    assert fitted.origin.startswith(task.origin)
    assert f"conformed from 8 x 8 x 3 to {shape[1]} x {shape[2]} x {shape[0]}" in fitted.origin


def test_pixels_are_those_of_pillow():
    task = example_source((3, 12, 12))
    image = Image.fromarray(task.train.images[0]).resize((5, 7), Image.Resampling.BILINEAR)
    assert np.array_equal(conform(task, (3, 7, 5)).train.images[0], np.asarray(image))
    grey = Image.fromarray(task.train.images[0]).convert("L")
    difference = conform(task, (1, 12, 12)).train.images[0, ..., 0].astype(int) - np.asarray(grey)
    assert abs(difference).max() <= 1  # Pillow truncates where we round


def test_halving_is_antialiased():
    stripes = np.zeros((1, 8, 8, 1), np.uint8)
    stripes[:, :, ::2] = 255
    task = example_source((1, 8, 8))
    fitted = conform(
        type(task)("stripes", "classification", ("a", "b"), *[Split(stripes, np.zeros(1, np.int64))] * 3, ""), (1, 4, 4)
    )
    assert 90 < fitted.train.images.min() <= fitted.train.images.max() < 165


def test_channels():
    colour = np.array([[[[200, 100, 50]]]], np.uint8)
    assert grey_levels(colour)[0, 0, 0] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert with_channels(colour[..., :1], 3)[0, 0, 0].tolist() == [200, 200, 200]
    assert with_channels(colour[..., :2], 3)[0, 0, 0].tolist() == [150, 150, 150]
    assert with_channels(np.full((1, 1, 1, 5), 255, np.uint8), 1).max() == 255


def test_dense_targets_are_conformed_likewise():
    task = SIMULATORS["autoencoding"].simulate(example_source((1, 8, 8)), seed=0)
    fitted = conform(task, (3, 4, 4))
    assert fitted.outputs == 3
    assert np.array_equal(fitted.train.images, fitted.train.targets)


def test_impossible_shapes():
    with pytest.raises(ConfigurationError, match=r"cannot make images of shape \(3, 0, 4\)"):
        conform(example_source((3, 8, 8)), (3, 0, 4))


def test_what_was_read_smaller_than_it_is_stored_is_not_enlarged(tmp_path):
    task = example_source((3, 16, 16))
    small = conform(task, (3, 8, 8))
    assert (small.stored_side, small.enlarged_from) == (16, None)
    with pytest.raises(
        ConfigurationError, match=r"were read at 8 x 8 pixels, and 12 x 12 are needed.*larger .16 pixels.*image_size=12"
    ):
        conform(small, (1, 12, 12))
    assert conform(small, (3, 4, 4)).stored_side == 16
    assert conform(small, (1, 8, 8)).stored_side == 16, "only the colour goes"
    read = load_task(save_task(small, tmp_path / "small.npz"))
    assert read.stored_side == 16


def test_what_is_truly_smaller_is_enlarged_and_known_to_be():
    large = conform(example_source((3, 8, 8)), (3, 20, 20))
    assert (large.stored_side, large.enlarged_from) == (8, 8)
    assert conform(large, (3, 30, 30)).enlarged_from == 8
