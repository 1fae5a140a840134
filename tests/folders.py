"""Folders of small random images for tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_folder(root: Path, counts: dict[str, int], *, size: tuple[int, int] = (10, 10), mode: str = "RGB") -> Path:
    """One subfolder per class with that many images (0.png, 1.png ...) of that size (width, height)."""
    rng = np.random.default_rng(len(str(counts)))
    for name, count in counts.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            write_image(folder / f"{index}.png", size=size, mode=mode, rng=rng)
    return root


def write_image(
    path: Path, *, size: tuple[int, int] = (10, 10), mode: str = "RGB", rng: np.random.Generator | None = None
) -> Path:
    """A random image of that size (width, height)."""
    channels = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    drawn = (rng or np.random.default_rng(0)).integers(0, 256, (size[1], size[0], *channels))
    Image.fromarray(drawn.astype(np.uint8)).save(path)
    return path
