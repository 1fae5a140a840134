"""A task from a folder of images: a subfolder for each class, or ``train/`` and other splits with such subfolders.

Splits are recognised when there is a ``train`` folder that itself has subfolders; ``test`` and one of ``val``,
``valid``, ``validation`` may stand beside it. Class folders may be nested inside; links are followed. Files
that are not images by their name, and hidden ones, are ignored.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.framing import Framing
from archlock.tasks.sources.decoding import EXTENSIONS
from archlock.tasks.sources.reading import ImageFile, read_images
from archlock.tasks.splitting import classification_task
from archlock.tasks.task import Split, Task

VALIDATION_NAMES = ("validation", "valid", "val")


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    split: str
    label: int


def image_folder(
    path: str | Path,
    *,
    image_size: int | Framing | None = None,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> Task:
    """The task in a folder; anything wrong with it raises TaskError that names the file or class.

    All images become squares of side ``image_size``: the largest centred square, scaled. A :class:`Framing` says the
    size and the way to it as a model wants them. By default the side is the median of the smaller sides of all images,
    at least 8 and at most 64. Images are grey if every one is, else RGB.
    Those that cannot be read are an error, or with ``skip_bad`` are left out and listed in ``Task.skipped``.
    ``progress`` is called with (images read, images).
    """
    path = Path(path)
    Framing.of(image_size)  # one that makes no sense is refused before anything is read
    classes, files = _files_of(path)
    named = [ImageFile(file.path, str(file.path)) for file in files]
    read = read_images(named, image_size=image_size, skip_bad=skip_bad, progress=progress)
    split_names = tuple(dict.fromkeys(file.split for file in files))
    files = [file for file, readable in zip(files, read.readable, strict=True) if readable]
    splits = {}
    for name in split_names:
        rows = [row for row, file in enumerate(files) if file.split == name]
        splits[name] = Split(read.images[rows], np.array([files[row].label for row in rows], dtype=np.int64))
        if not rows:
            raise TaskError(f"{path}: none of the {name} images can be read; repair them")
    return classification_task(
        path.resolve().name,
        classes,
        splits["train"],
        splits.get("validation"),
        splits.get("test"),
        where=str(path),
        origin=f"image folder {path.resolve().name} ({len(files):,} images in {len(classes)} classes)",
        skipped=tuple(Path(name).relative_to(path).as_posix() for name in read.skipped),
        stored_side=read.stored_side,
        seed=seed,
    )


def _files_of(path: Path) -> tuple[tuple[str, ...], list[_File]]:
    """Names of the classes, sorted, and every image file in the order of its path."""
    if not path.exists():
        raise TaskError(f"{path} does not exist; give a folder with a subfolder of images for each class")
    if not path.is_dir():
        raise TaskError(f"{path} is a file; give a folder with a subfolder of images for each class")
    places = _splits_of(path)
    folders = {split: {folder.name: folder for folder in _subfolders(place)} for split, place in places.items()}
    classes = tuple(sorted(folders["train"]))
    _check_classes(path, places, folders)
    files = [
        _File(file, split, label)
        for split in places
        for label, name in enumerate(classes)
        for file in _images_in(folders[split][name])
    ]
    if not files:
        raise TaskError(f"{path} holds no images; expected files ending in {', '.join(sorted(EXTENSIONS))}")
    counts = Counter((file.split, file.label) for file in files)
    for split in places:
        empty = [name for label, name in enumerate(classes) if not counts[split, label]]
        if empty:
            raise TaskError(
                f"{places[split] / empty[0]} holds no images; add images of class {empty[0]!r}, or remove the folder"
            )
    return classes, files


def _check_classes(path: Path, places: dict[str, Path], folders: dict[str, dict[str, Path]]) -> None:
    classes = sorted(folders["train"])
    if not classes:
        loose = sum(1 for _ in _images_in(path))
        found = f"{loose} images but no subfolders" if loose else "no images"
        raise TaskError(f"{path} holds {found}; put the images of each class into a subfolder named after the class")
    for split, place in places.items():
        missing = sorted(set(classes) - set(folders[split]))
        extra = sorted(set(folders[split]) - set(classes))
        if missing or extra:
            words = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"also has {', '.join(extra)}"] * bool(extra)
            raise TaskError(
                f"{place} {' and '.join(words)}, compared with the classes of {places['train']}; every split needs the "
                "same class folders"
            )


def _splits_of(path: Path) -> dict[str, Path]:
    """The folders that hold class folders: one for each split that is given."""
    inside = {folder.name: folder for folder in _subfolders(path)}
    if "train" not in inside or not _subfolders(inside["train"]):
        return {"train": path}
    places = {"train": inside.pop("train")}
    found = [name for name in VALIDATION_NAMES if name in inside]
    if len(found) > 1:
        raise TaskError(f"{path} has {' and '.join(found)}; keep one folder for validation")
    for name in found:
        places["validation"] = inside.pop(name)
    if "test" in inside:
        places["test"] = inside.pop("test")
    if inside:
        raise TaskError(
            f"{path / min(inside)} lies beside {places['train'].name}/ and is not a split; expected only train, test "
            f"and validation there: move it away, or give a subfolder for each class without train/"
        )
    return places


def _subfolders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if _visible(folder) and folder.is_dir())


def _visible(path: Path) -> bool:
    return not path.name.startswith((".", "__"))


def _images_in(folder: Path, seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Image files at any depth, sorted within each folder; a link back to a folder above is not followed."""
    real = folder.resolve()
    if real in seen:
        return
    for path in sorted(folder.iterdir()):
        if not _visible(path):
            continue
        if path.is_dir():
            yield from _images_in(path, seen | {real})
        elif path.suffix.lower() in EXTENSIONS and (
            path.is_file() or not path.exists()
        ):  # no pipes; a broken link is reported
            yield path
