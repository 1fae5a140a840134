"""Small tasks whose images are on disk, as those of large data sets are."""

from pathlib import Path

from archlock.tasks import Cache, Task, image_folder
from folders import write_folder

COUNTS = {"ant": 30, "bee": 24, "cow": 18, "dog": 12}
SIZE = 8


def stored_task(place: Path, counts: dict[str, int] = COUNTS, *, mode: str = "RGB") -> Task:
    """The task of a folder in that place, in a cache there that holds nothing in memory."""
    write_folder(place / "photos", counts, size=(12, 10), mode=mode)
    return image_folder(place / "photos", image_size=SIZE, cache=cache_in(place))


def cache_in(place: Path, workers: int = 1) -> Cache:
    """A cache that holds nothing in memory."""
    return Cache(place / "cache", memory=0, workers=workers)


def in_memory(place: Path) -> Task:
    """The task of the folder of :func:`stored_task`, in memory."""
    return image_folder(place / "photos", image_size=SIZE)
