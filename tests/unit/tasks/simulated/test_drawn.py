import numpy as np
import pytest

from archlock.seeding import rng_for
from archlock.tasks import SIMULATORS
from archlock.tasks.simulated.drawing import coordinates, ink_within, painted
from archlock.tasks.simulated.shapes import SHAPES
from archlock.testing.tasks import example_source

DRAWN = ("shapes", "textures", "glyphs")


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_of_the_source_is_seen_but_its_size(name):
    one, other = (example_source((3, 16, 12), seed=seed) for seed in (0, 1))
    targets = [SIMULATORS[name].simulate(source, seed=0) for source in (one, other)]
    assert targets[0].fingerprint == targets[1].fingerprint
    assert SIMULATORS[name].simulate(one, seed=1).fingerprint != targets[0].fingerprint
    assert [len(s) for s in (targets[0].train, targets[0].validation, targets[0].test)] == [48, 24, 24]


@pytest.mark.parametrize("name", DRAWN)
def test_splits_hold_different_pictures_of_the_same_classes(name):
    target = SIMULATORS[name].simulate(example_source((1, 16, 16), examples=120), seed=0)
    seen = {image.tobytes() for image in target.train.images}
    assert len(seen) == 120
    assert not seen & {image.tobytes() for image in target.test.images}
    assert np.bincount(target.train.targets).tolist() == [120 // len(target.classes)] * len(target.classes)


@pytest.mark.parametrize(("name", "least"), [("shapes", 0.3), ("textures", 0.2), ("glyphs", 0.25)])
def test_classes_can_be_told_apart_from_the_pixels(name, least):
    """A nearest neighbour on contrast-free pictures (or their spectra, for textures) beats chance by far."""
    target = SIMULATORS[name].simulate(example_source((1, 16, 16), classes=2, examples=2000), seed=0)

    def features(split):
        images = split.images[..., 0].astype(float)
        flat = images - np.median(images, axis=(1, 2), keepdims=True)
        flat = abs(np.fft.fft2(flat)) if name == "textures" else abs(flat)
        flat = flat.reshape(len(flat), -1)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    nearest = np.argmax(features(target.test) @ features(target.train).T, axis=1)
    accuracy = (target.train.targets[nearest] == target.test.targets).mean()
    assert accuracy > least
    assert least > 1.9 * target.chance


def test_the_letters_belong_to_the_seed_not_to_the_split():
    target = SIMULATORS["glyphs"].simulate(example_source((1, 24, 24), classes=2, examples=600), seed=0)
    means = []
    for split in (target.train, target.test):
        ink = abs(split.images[..., 0] - np.median(split.images[..., 0], axis=(1, 2), keepdims=True))
        means.append(np.stack([ink[split.targets == label].mean(axis=0).ravel() for label in range(20)]))
    alike = np.corrcoef(*means)[:20, 20:]
    assert (alike.argmax(axis=1) == np.arange(20)).mean() > 0.8


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_the_area_of_its_distance_function(shape):
    """The ink of an upright shape in the middle of a large picture against a count of points inside."""
    y, x = coordinates(200, 200)
    y, x = np.broadcast_arrays(y, x)
    distance = SHAPES[shape](x * 1.4, y * 1.4) / 1.4
    inside = (distance < 0).mean()
    assert 0.04 < inside < 0.5
    assert ink_within(distance, 200, 200).mean() == pytest.approx(inside, rel=0.03)


def test_coordinates_run_from_minus_one_to_one_along_the_smaller_side():
    y, x = coordinates(4, 8)
    np.testing.assert_allclose(y.ravel(), [-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_allclose(x.ravel(), np.arange(-7, 8, 2) / 4)
    assert ink_within(np.array([[[-1.0, 0.0, 1.0]]]), 4, 8).ravel().tolist() == [1.0, 0.5, 0.0]


def test_ink_and_paper_can_always_be_told_apart():
    ink = np.zeros((500, 1, 200))
    ink[:, :, 100:] = 1
    images = painted(ink, 3, rng_for(0)).astype(float).mean(axis=3)
    contrast = images[:, :, 100:].mean(axis=(1, 2)) - images[:, :, :100].mean(axis=(1, 2))
    assert abs(contrast).min() > 20
    assert 0.4 < (contrast > 0).mean() < 0.6
