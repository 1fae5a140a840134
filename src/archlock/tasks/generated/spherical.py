"""Images on a sphere, each turned at random, as a task; see :mod:`~archlock.tasks.generated.sphere`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar, Final

import numpy as np

from archlock.errors import ConfigurationError, TaskError
from archlock.seeding import rng_for
from archlock.tasks.generated.recipe import Counted, Recipe, whole_number
from archlock.tasks.generated.sphere import on_sphere, random_rotation, sphere_grid
from archlock.tasks.task import Task, check_images

PUBLISHED_SIDE: Final = 60
LEAST, MOST = 8, 512


class Spherical(Recipe):
    """The same targets for images that were laid onto a sphere, which was turned at random, another way for each.

    NAS-Bench-360 turns 500 images at a time alike; one turn for each image is harder and needs no order of images.
    """

    name = "spherical"
    description = "images on a sphere that is turned at random, with the labels that they had"
    argument = "DATA"
    example = "spherical:photos.npz"
    options: ClassVar[Mapping[str, str]] = {
        "side": f"points along a circle, an even number (default {PUBLISHED_SIDE}, of the bandwidth 30)"
    }
    based = True

    def check(self, argument: str, options: Mapping[str, str]) -> None:  # noqa: ARG002  (it is looked at elsewhere)
        """The side."""
        _bandwidth(options)

    def make(
        self,
        argument: str,  # noqa: ARG002
        options: Mapping[str, str],
        *,
        opened: Callable[[Mapping[str, str]], Task],
        seed: int,
        progress: Counted | None = None,
    ) -> Task:
        """Every image in its split, in the order of the data."""
        bandwidth, task = _bandwidth(options), opened({})
        check_images(task, "what is said of pixels does not follow them onto a sphere")
        if task.form != "image" or task.measured:
            held = task.words.many if task.form != "image" else "measured values"
            raise TaskError(f"{task.name!r} holds {held}; a sphere shows images of levels (uint8): give others")
        grid = sphere_grid(bandwidth)
        total, done, splits = sum(len(split) for split in (task.train, task.validation, task.test)), 0, {}
        for name in ("train", "validation", "test"):
            split, rng = getattr(task, name), rng_for(seed, "spherical", name)
            shown = np.empty((len(split), *grid.shape[:2], task.shape[0]), dtype=np.uint8)
            for row, image in enumerate(split.images):
                shown[row] = on_sphere(image, grid @ random_rotation(rng).T)
                done += 1
                if progress is not None:
                    progress(done, total)
            splits[name] = replace(split, images=shown)
        side = 2 * bandwidth
        return replace(
            task,
            name=f"spherical-{task.name}",
            **splits,
            origin=f"{task.origin}; on a sphere of {side} x {side} points, each turned at random (seed {seed}; as "
            "Spherical CIFAR-100 of NAS-Bench-360 is made)",
            stored_side=None,
        )


def _bandwidth(options: Mapping[str, str]) -> int:
    side = whole_number(options.get("side", str(PUBLISHED_SIDE)), "side=", least=LEAST, most=MOST)
    if side % 2:
        raise ConfigurationError(f"side={side} is odd; the circles of a sphere come in pairs: give an even number")
    return side // 2
