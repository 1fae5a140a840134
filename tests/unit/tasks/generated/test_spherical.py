"""Images on a sphere: rays followed one by one, what turning does, and the task."""

import re

import numpy as np
import pytest
from scipy.stats import kstest

from archlock.errors import ConfigurationError, TaskError, UnsupportedError
from archlock.tasks import check_task, open_task, save_task
from archlock.tasks.generated.sphere import on_sphere, random_rotation, sphere_grid
from archlock.testing.small_tasks import small_digits, small_field, small_signals
from shared_data import shared

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (12, 9, 3)).astype(np.uint8)


def about_the_axis(angle: float) -> np.ndarray:
    """The rotation about the line through the poles."""
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


def followed(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Every ray by itself: to the plane, then between the four nearest centres of pixels."""
    height, width, channels = image.shape
    seen = np.zeros((*points.shape[:2], channels))
    for at in np.ndindex(points.shape[:2]):
        x, y, z = points[at]
        eye, point = np.array([0, 0, 2.001]), np.array([x, y, z + 1])
        ray = point - eye
        x, y, _ = eye - ray * eye[2] / ray[2]
        row, column = (x + 1.5) / 3 * height - 0.5, (y + 1.5) / 3 * width - 0.5
        for near_row in (np.floor(row), np.floor(row) + 1):
            for near_column in (np.floor(column), np.floor(column) + 1):
                if 0 <= near_row < height and 0 <= near_column < width:
                    share = (1 - abs(row - near_row)) * (1 - abs(column - near_column))
                    seen[at] += share * image[int(near_row), int(near_column)]
    low, high = seen.min((0, 1)), seen.max((0, 1))
    return (seen - low) / (high - low) * 255


def test_every_ray_by_itself() -> None:
    points = sphere_grid(7) @ random_rotation(np.random.default_rng(1)).T
    assert np.abs(on_sphere(IMAGE, points).astype(float) - followed(IMAGE, points)).max() <= 0.5 + 1e-9


def test_the_grid_runs_from_the_north_pole_around() -> None:
    grid = sphere_grid(4)
    assert grid.shape == (8, 8, 3)
    assert np.allclose(np.linalg.norm(grid, axis=-1), 1)
    assert np.allclose(grid[0], (0, 0, 1))
    assert np.allclose(grid[4, 2], (0, 1, 0))  # on the equator, a quarter around
    assert np.allclose(grid[:, 0, 2], np.cos(np.pi * np.arange(8) / 8))


@pytest.mark.parametrize("steps", [1, 5])
def test_turning_about_the_poles_by_whole_steps_moves_the_columns(steps: int) -> None:
    grid = sphere_grid(10)
    turned = on_sphere(IMAGE, grid @ about_the_axis(2 * np.pi * steps / 20).T)
    moved = np.roll(on_sphere(IMAGE, grid), -steps, axis=1)
    assert np.abs(turned.astype(int) - moved).max() <= 1


def test_turning_back_is_as_if_nothing_was() -> None:
    grid, turn = sphere_grid(10), random_rotation(np.random.default_rng(5))
    assert np.abs(on_sphere(IMAGE, grid @ turn.T @ turn).astype(int) - on_sphere(IMAGE, grid)).max() <= 1


def test_rotations_are_rotations_and_go_everywhere_alike() -> None:
    rng = np.random.default_rng(2)
    turns = np.array([random_rotation(rng) for _ in range(500)])
    assert np.allclose(turns @ turns.swapaxes(1, 2), np.eye(3))
    assert np.allclose(np.linalg.det(turns), 1)
    for entry in (turns[:, 2, 2], turns[:, 0, 1]):  # an entry of a uniform rotation is uniform (Archimedes)
        assert kstest((entry + 1) / 2, "uniform").pvalue > 0.01
    angles = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1))
    assert kstest(angles, lambda angle: (angle - np.sin(angle)) / np.pi).pvalue > 0.01  # (Haar measure)


def test_the_image_is_at_the_south_pole_and_nothing_at_the_north() -> None:
    seen = on_sphere(np.full((8, 8, 1), 200, np.uint8), sphere_grid(15))
    assert (seen[25:] == 255).all()
    assert not seen[1:6].any()  # (the ray through the pole itself falls straight down)
    assert not on_sphere(np.zeros((8, 8, 1), np.uint8), sphere_grid(8)).any()


def test_the_task_keeps_targets_splits_and_classes(tmp_path) -> None:
    flat = small_digits(train=8, validation=5, test=4)
    path = save_task(flat, tmp_path / "flat.npz")
    task = open_task(f"spherical:{path}?side=16", seed=2)
    assert (task.name, task.shape, task.classes) == ("spherical-digits", (1, 16, 16), flat.classes)
    for name in ("train", "validation", "test"):
        assert np.array_equal(getattr(task, name).targets, getattr(flat, name).targets)
    assert "on a sphere of 16 x 16 points, each turned at random (seed 2" in task.origin
    assert task.fingerprint == open_task(f"spherical:{path}?side=16", seed=2).fingerprint
    assert task.fingerprint != open_task(f"spherical:{path}?side=16", seed=3).fingerprint
    turned = [on_sphere(flat.train.images[0], sphere_grid(8)), task.train.images[0]]
    assert not np.array_equal(*turned)


def test_options_of_the_data_go_to_the_data(tmp_path) -> None:
    arrays = {"x_train": RNG.integers(0, 256, (12, 3, 8, 8)).astype(np.uint8), "y_train": np.arange(12) % 2}
    np.savez(tmp_path / "photos.npz", other_train=np.arange(12) % 3, **arrays)
    steps = []
    text = f"spherical:{tmp_path}/photos.npz?layout=NCHW&label=other&side=8&name=ball"
    task = open_task(text, progress=lambda *step: steps.append(step))
    assert (task.name, task.shape, len(task.classes)) == ("ball", (3, 8, 8), 3)
    assert steps[-1] == (12, 12)
    check_task(text)
    with pytest.raises(ConfigurationError, match=re.escape("photos.npz has no option 'turn'; expected layout (")):
        open_task(f"spherical:{tmp_path}/photos.npz?turn=9")


def test_what_cannot_be_laid_onto_a_sphere_is_said(tmp_path) -> None:
    field = save_task(small_field(train=4, validation=2, test=2), tmp_path / "field.npz")
    signals = save_task(small_signals(train=12, validation=12, test=12), tmp_path / "signals.npz")
    with pytest.raises(UnsupportedError, match="'sums' is a field task; what is said of pixels does not follow"):
        open_task(f"spherical:{field}")
    with pytest.raises(TaskError, match="'rows' holds signals; a sphere shows images of levels"):
        open_task(f"spherical:{signals}")
    for text, words in (
        ("spherical:", "spherical: names no data; write them behind it, as in spherical:photos.npz"),
        ("spherical:digits?side=6", "side= '6' is not possible; expected a whole number from 8 to 512"),
        ("spherical:digits?side=9", "side=9 is odd; the circles of a sphere come in pairs"),
        ("spherical:digitz", "no task 'digitz': no such file, and no name that is known (did you mean 'digits'?)"),
        ("sphericle:digits", "(did you mean 'spherical:photos.npz'?)"),
    ):
        for ask in (open_task, check_task):
            with pytest.raises(ConfigurationError, match=re.escape(words)):
                ask(text)
    for ask in (open_task, check_task):
        with pytest.raises(TaskError, match=r"lost\.npz does not exist"):
            ask("spherical:lost.npz")


def test_real_photographs(tmp_path) -> None:
    packed = np.load(shared("images/cifar100.npz"))
    few = {"jpeg_train": packed["jpeg_train"], "off_train": packed["off_train"][:101], "y_train": np.arange(100) % 4}
    np.savez(tmp_path / "few.npz", **few)
    task = open_task(f"spherical:{tmp_path}/few.npz")
    assert task.shape == (3, 60, 60)
    assert (task.train.images.max(axis=(1, 2)) == 255).all()
    assert (task.train.images.min(axis=(1, 2)) == 0).all()
