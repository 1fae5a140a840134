"""A folder of photographs that fits in no memory: made up, opened, killed on the way, opened again.

    python benchmarks/larger_than_memory.py make FOLDER --images 20000
    python benchmarks/larger_than_memory.py open FOLDER --cache DIR [--size 224]

``open`` prints the seconds of opening and of an epoch of batches, and the largest memory of this process and of any of
its children, as the system counts it. The photographs are smooth colours under a pattern that belongs to their class.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES, SMALLEST, LARGEST = 50, 224, 300


def make(folder: Path, images: int) -> None:
    """JPEGs of 224 to 300 pixels in 50 class folders; those that are there stay."""
    for number in range(images):
        label, rng = number % CLASSES, np.random.default_rng(number)
        path = folder / f"class_{label:02d}" / f"{number:06d}.jpg"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        tile = np.random.default_rng(10_000 + label).integers(0, 256, (6, 6, 3))
        mixed = (0.6 * tile + 0.4 * rng.integers(0, 256, (6, 6, 3))).astype(np.uint8)
        width, height = rng.integers(SMALLEST, LARGEST + 1, 2).tolist()
        temporary = path.with_suffix(".part")
        Image.fromarray(mixed).resize((width, height), Image.Resampling.BICUBIC).save(temporary, "JPEG", quality=85)
        temporary.replace(path)


def open_and_read(folder: Path, cache: Path, size: int) -> None:
    """Open the folder as a task and go through its training split once."""
    from archlock.tasks import image_folder
    from archlock.training import batches

    def told(done: int, images: int) -> None:
        print(f"{time.perf_counter() - began:7.1f} s  {done:,} of {images:,}", flush=True)

    began = time.perf_counter()
    task = image_folder(folder, image_size=size, cache=cache, progress=told)
    opened = time.perf_counter()
    for _ in batches(task.train, 16, seed=0):
        pass
    read = time.perf_counter()
    own, others = (
        resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"opened {sum(map(len, (task.train, task.validation, task.test))):,} images in {opened - began:.1f} s")
    print(f"read {len(task.train):,} in batches: {1e3 * (read - opened) / len(task.train):.2f} ms an image")
    print(f"largest memory: {own:.2f} GiB, of a child {others:.2f} GiB; fingerprint {task.fingerprint}")


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=("make", "open"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--size", type=int, default=224)
    asked = parser.parse_args()
    if asked.verb == "make":
        make(asked.folder, asked.images)
    else:
        open_and_read(asked.folder, asked.cache, asked.size)


if __name__ == "__main__":
    main()
