"""Images laid onto a sphere and read off it along circles of latitude: what a camera sees that looks everywhere.

The construction of Spherical CIFAR-100 (Tu et al. 2022, NAS-Bench-360, appendix; Cohen et al. 2018, Spherical CNNs,
section 5.2). The unit sphere stands on a plane that holds the image, in the square from -WIDE to WIDE; a ray from EYE,
just above its north pole, through a point of the sphere meets the plane where that point's value is. Before, the
sphere is turned.

Deviations from the released program: values between pixels are plainly bilinear (its weights reach over to the second
neighbours and sum to four, which its last step divides out), a pixel's value is that at its centre, and levels are
rounded and not cut.
"""

from typing import Final

import numpy as np
from jaxtyping import Float64, UInt8

EYE: Final = 2.001
"""Height of the eye above the plane; the north pole is at 2."""
WIDE: Final = 1.5
"""Half the side of the image on the plane. The southern half of the sphere lands within 2 of the middle."""


def sphere_grid(bandwidth: int) -> Float64[np.ndarray, "rows columns 3"]:
    """The grid of Driscoll and Healy (1994): 2b circles of latitude from the north pole, 2b points on each."""
    polar = np.pi * np.arange(2 * bandwidth) / (2 * bandwidth)
    around = np.pi * np.arange(2 * bandwidth) / bandwidth
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1)


def random_rotation(rng: np.random.Generator) -> Float64[np.ndarray, "3 3"]:
    """A rotation, each as likely as any other: that of a quaternion of four normal numbers (Shoemake 1992)."""
    quaternion = rng.standard_normal(4)
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def on_sphere(
    image: UInt8[np.ndarray, "height width channels"], points: Float64[np.ndarray, "rows columns 3"]
) -> UInt8[np.ndarray, "rows columns channels"]:
    """What the points of the unit sphere show of an image, every channel stretched to levels of 0 to 255.

    The first axis of the image lies along x. What is outside of the image is zero, and so is a channel of one level.
    """
    seen = _bilinear(image.astype(np.float64), _on_plane(points))
    low = seen.min(axis=(0, 1))
    spread = seen.max(axis=(0, 1)) - low
    levels: UInt8[np.ndarray, "rows columns channels"] = np.rint(
        (seen - low) * (255 / np.where(spread > 0, spread, 1))
    ).astype(np.uint8)
    return levels


def _on_plane(points: Float64[np.ndarray, "... 3"]) -> Float64[np.ndarray, "... 2"]:
    """Where the rays through the points meet the plane: 0 and 1 are the edges of the image."""
    stretch = EYE / (EYE - 1 - points[..., 2])  # (the middle of the sphere is at height 1)
    return (points[..., :2] * stretch[..., None] + WIDE) / (2 * WIDE)


def _bilinear(
    image: Float64[np.ndarray, "height width channels"], places: Float64[np.ndarray, "rows columns 2"]
) -> Float64[np.ndarray, "rows columns channels"]:
    """Values at places, zero beyond the edges."""
    size = np.array(image.shape[:2])
    framed = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    at = np.clip(places * size + 0.5, 0, size + 0.999)  # in the frame, where the first pixel is at 1
    corner = at.astype(np.int64)
    (down, right), (row, column) = np.moveaxis(at - corner, -1, 0)[..., None], np.moveaxis(corner, -1, 0)
    below, beside = np.minimum(row + 1, size[0] + 1), np.minimum(column + 1, size[1] + 1)
    above = framed[row, column] * (1 - right) + framed[row, beside] * right
    under = framed[below, column] * (1 - right) + framed[below, beside] * right
    found: Float64[np.ndarray, "rows columns channels"] = above * (1 - down) + under * down
    return found
