import numpy as np
import pytest

from archlock.tasks import SIMULATORS, conform, digits, npz
from archlock.testing.tasks import example_source
from shared_data import shared

SPLITS = ("train", "validation", "test")
COLOUR, PLAIN = example_source((3, 16, 16)), example_source((1, 16, 16))


@pytest.mark.parametrize("name", ["grey", "corrupted", "rescaled"])
@pytest.mark.parametrize("source", [COLOUR, PLAIN], ids=["colour", "grey"])
def test_labels_and_classes_stay(name, source):
    target = SIMULATORS[name].simulate(source, seed=0)
    assert target.classes == source.classes
    for split in SPLITS:
        assert np.array_equal(getattr(target, split).targets, getattr(source, split).targets)
        assert not np.array_equal(getattr(target, split).images, getattr(source, split).images)


def test_grey_drops_colour_and_keeps_light():
    target = SIMULATORS["grey"].simulate(COLOUR, seed=0)
    assert target.name == "grey(example)"
    images = target.test.images
    assert (images == images[..., :1]).all()
    luma = np.rint(COLOUR.test.images @ np.array([0.299, 0.587, 0.114]))
    assert abs(images[..., 0] - luma).max() <= 1


@pytest.mark.parametrize("source", [PLAIN, conform(PLAIN, (3, 16, 16))], ids=["one channel", "three equal channels"])
def test_without_colour_it_is_inverted_and_says_so(source):
    target = SIMULATORS["grey"].simulate(source, seed=0)
    assert target.name == "inverted(example)"
    assert target.origin.endswith("light and dark exchanged")
    assert np.array_equal(target.test.images, 255 - source.test.images)


def test_corrupted_images_are_paler_and_blurred_but_recognisable():
    source = npz(shared("images/neu_defects.npz"))
    target = SIMULATORS["corrupted"].simulate(source, seed=0)
    # means of 4 x 4 pixels: most of the noise is gone, most of the texture is not
    before, after = (t.test.images.reshape(-1, 12, 4, 12, 4).mean(axis=(2, 4)) for t in (source, target))
    contrast = after.std(axis=(1, 2)) / before.std(axis=(1, 2))
    assert 0.5 < np.median(contrast) < 0.7
    similarity = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(before, after, strict=True)]
    assert 0.85 < np.median(similarity) < 0.999


def test_noise_has_the_strength_that_is_said():
    flat = example_source((1, 16, 16))
    flat = type(flat)(
        "f",
        "classification",
        flat.classes,
        *[type(flat.train)(flat.train.images * 0 + 128, flat.train.targets)] * 3,
        "",
    )
    noisy = SIMULATORS["denoising"].simulate(flat, seed=0).train
    assert np.array_equal(noisy.targets, flat.train.images)
    assert noisy.images.std() == pytest.approx(32, rel=0.03)
    corrupted = SIMULATORS["corrupted"].simulate(flat, seed=0).train.images
    assert np.median(corrupted.std(axis=(1, 2, 3))) == pytest.approx(12, rel=0.05)


def test_rescaled_images_show_a_part_of_the_source():
    y, x = np.mgrid[0:16, 0:16] * 16
    ramp = np.broadcast_to(np.stack([x, y, 0 * x], axis=-1), (48, 16, 16, 3)).astype(np.uint8)
    source = type(COLOUR)(
        "r", "classification", COLOUR.classes, *[type(COLOUR.train)(ramp, COLOUR.train.targets)] * 3, ""
    )
    images = SIMULATORS["rescaled"].simulate(source, seed=0).train.images.astype(int)
    for axis, channel in ((2, 0), (1, 1)):
        ends = np.moveaxis(images[..., channel], axis, 1)
        span = (ends[:, -1].mean(axis=1) - ends[:, 0].mean(axis=1)) / 240
        assert ((span > 0.4) & (span < 0.95)).all()
    assert len(np.unique(images[:, 0, 0, 0])) > 5
    left, top = images[..., 0].mean(axis=(1, 2)), images[..., 1].mean(axis=(1, 2))
    assert abs(np.corrcoef(left, top)[0, 1]) < 0.4, "how far right a window lies says nothing of how far down"


def test_dense_tasks_are_made_of_any_source():
    source = digits()
    target = SIMULATORS["autoencoding"].simulate(source, seed=0)
    assert (target.kind, target.classes, target.outputs, target.chance) == ("dense", (), 1, 0.0)
    assert all(np.array_equal(getattr(target, s).targets, getattr(source, s).images) for s in SPLITS)
    again = SIMULATORS["denoising"].simulate(target, seed=0)
    assert np.array_equal(again.test.targets, source.test.images)
    assert not np.array_equal(again.test.images, source.test.images)
