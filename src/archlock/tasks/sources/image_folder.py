"""A task from a folder of images: a subfolder for each class, or ``train/`` and other splits with such subfolders.

Splits are recognised by the names of the folders (:mod:`archlock.tasks.sources.folder_layout`). Class folders may be
nested inside; links are followed. Hidden files, those of operating systems, and files that are not images by their name
are ignored; what looks like images and is not read is counted and told.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archlock.errors import TaskError
from archlock.tasks.framing import Framing
from archlock.tasks.rows import taken
from archlock.tasks.sources.class_names import differing_in_case, shown, shown_names
from archlock.tasks.sources.decoding import EXTENSIONS
from archlock.tasks.sources.folder_layout import UNUSED, is_visible, places_of, set_aside, subfolders
from archlock.tasks.sources.image_file import ImageFile
from archlock.tasks.sources.passed_over import counted, on_passed_over, passed_over_as
from archlock.tasks.sources.reading import read_images
from archlock.tasks.sources.split_names import Role
from archlock.tasks.splitting import classification_task
from archlock.tasks.stored.cache import Cache
from archlock.tasks.task import Split, Task
from archlock.tasks.wording import several

MASK = re.compile(r"(.+)[_\- .](?:mask|masks|seg|segmentation|gt|annotation|labels?)(?:[_\- ]?\d+)?", re.IGNORECASE)
"""Names of masks that lie beside their images."""

LEFT_OUT_SHOWN = 5
"""Files left out that are named in the remark on them."""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    split: Role
    label: int


@dataclass(frozen=True, slots=True)
class _Found:
    """What lies in a folder: its classes as they are shown, their files, and files passed over, by class."""

    classes: tuple[str, ...]
    files: list[_File]
    missing: dict[str, Counter[str]]
    loose: int
    """Images that lie beside class folders."""
    aside: list[str]
    """Folders that are not used because of their names, as they are shown."""


def image_folder(
    path: str | Path,
    *,
    image_size: int | Framing | None = None,
    skip_bad: bool = False,
    splits: bool = True,
    progress: Callable[[int, int], None] | None = None,
    cache: Cache | Path | str | None = None,
    seed: int = 0,
) -> Task:
    """The task in a folder; anything wrong with it raises TaskError that names the file or class.

    All images become squares of side ``image_size``: the largest centred square, scaled. A :class:`Framing` says the
    size and the way to it as a model wants them. By default the side is the median of the smaller sides of all images,
    at least 8 and at most 64. Images are grey if every one is, else RGB.
    Those that cannot be read are an error, or with ``skip_bad`` are left out and listed in ``Task.skipped``.
    Without ``splits`` every subfolder is a class, whatever it is called. ``progress`` is called with (images read,
    images). What takes more than 256 MiB decoded is kept in a ``cache`` on disk (a folder; None: the usual one) and
    read as it is needed.
    """
    path = Path(path)
    Framing.of(image_size)  # one that makes no sense is refused before anything is read
    found, where = _found_in(path, splits=splits), shown(str(path))
    named = [ImageFile(file.path, str(file.path)) for file in found.files]
    read = read_images(
        named, image_size=image_size, where=where, skip_bad=skip_bad, progress=progress, cache=Cache.at(cache)
    )
    files = [file for file, readable in zip(found.files, read.readable, strict=True) if readable]
    given = {}
    for name in dict.fromkeys(file.split for file in found.files):
        rows = [row for row, file in enumerate(files) if file.split == name]
        given[name] = Split(taken(read.images, rows), np.array([files[row].label for row in rows], dtype=np.int64))
        if not rows:
            raise TaskError(f"{where}: none of the {name} images can be read; repair them")
    title, skipped = shown(path.resolve().name), tuple(Path(name).relative_to(path).as_posix() for name in read.skipped)
    return classification_task(
        title,
        found.classes,
        given["train"],
        given.get("validation"),
        given.get("test"),
        where=where,
        origin=f"image folder {title} ({len(files):,} images in {len(found.classes)} classes)",
        skipped=skipped,
        stored_side=read.stored_side,
        remarks=(*_remarks(found, files, skipped), *read.remarks),
        seed=seed,
    )


def _remarks(found: _Found, used: list[_File], skipped: tuple[str, ...]) -> Iterator[str]:
    """What was left out or passed over, and names that are easily taken for one another."""
    counts = Counter(found.classes[file.label] for file in found.files)
    passed = on_passed_over(found.missing, counts, found.classes)
    if passed:
        yield passed
    if skipped:
        named = ", ".join(map(shown, skipped[:LEFT_OUT_SHOWN])) + (", ..." if len(skipped) > LEFT_OUT_SHOWN else "")
        lost = counts - Counter(found.classes[file.label] for file in used)
        worst = max(lost, key=lambda name: lost[name] / counts[name])
        images = several(len(skipped), "unreadable image", "unreadable images")
        yield f"left out {images}: {named}; class {worst!r} loses {lost[worst]:,} of {counts[worst]:,}"
    masks = _masks_among([file.path for file in found.files])
    if masks:
        looking = several(len(masks), "image looks like a mask", "images look like masks")
        yield f"{looking} of another beside it ({shown(masks[0].name)}); should masks be learned from?"
    if found.loose:
        lying = several(found.loose, "image lies", "images lie")
        yield f"{lying} beside the class folders, of no class: not used"
    if found.aside:
        yield f"the folders {', '.join(found.aside)} are not used, as their names begin with {UNUSED}"
    alike = differing_in_case(found.classes)
    if alike:
        yield f"the classes {', '.join(map(repr, alike))} differ in small and capital letters alone; are they the same?"


def _found_in(path: Path, *, splits: bool) -> _Found:
    """Names of the classes, sorted, and every image file in the order of its path."""
    if not path.exists():
        raise TaskError(f"{shown(str(path))} does not exist; give a folder with a subfolder of images for each class")
    if not path.is_dir():
        raise TaskError(f"{shown(str(path))} is a file; give a folder with a subfolder of images for each class")
    places = places_of(path, splits=splits)
    folders = {split: {folder.name: folder for folder in subfolders(place)} for split, place in places.items()}
    names = sorted(folders["train"])
    _check_classes(path, places, folders)
    classes, files = shown_names(names, shown(str(path))), list[_File]()
    missing: dict[str, Counter[str]] = {}
    for split in places:
        for label, name in enumerate(names):
            passed = Counter[str]()
            images = list(_images_in(folders[split][name], passed))
            if not images and passed:
                raise TaskError(
                    f"{shown(str(folders[split][name]))} holds no images that can be read, but {counted(passed)}; "
                    "convert them to PNG or JPEG"
                )
            files += [_File(image, split, label) for image in images]
            if passed:
                missing[classes[label]] = missing.get(classes[label], Counter()) + passed
    if not files:
        raise TaskError(f"{shown(str(path))} holds no images; expected files ending in {', '.join(sorted(EXTENSIONS))}")
    counts = Counter((file.split, file.label) for file in files)
    for split in places:
        empty = [name for label, name in enumerate(names) if not counts[split, label]]
        if empty:
            raise TaskError(
                f"{shown(str(places[split] / empty[0]))} holds no images; add images of class {shown(empty[0])!r}, or "
                "remove the folder"
            )
    loose = sum(_is_image(file) for place in {path, *places.values()} for file in place.iterdir() if is_visible(file))
    aside = [shown(folder.name) for place in {path, *places.values()} for folder in set_aside(place)]
    return _Found(classes, files, missing, loose, aside)


def _check_classes(path: Path, places: dict[Role, Path], folders: dict[Role, dict[str, Path]]) -> None:
    classes = sorted(folders["train"])
    if not classes:
        passed = Counter[str]()
        loose = sum(1 for _ in _images_in(path, passed))
        found = f"{loose} images but no subfolders" if loose else "no images"
        found += f", and {counted(passed)}, which are not read" if passed else ""
        raise TaskError(
            f"{shown(str(path))} holds {found}; put the images of each class into a subfolder named after the class"
        )
    for split, place in places.items():
        missing = sorted(set(classes) - set(folders[split]))
        extra = sorted(set(folders[split]) - set(classes))
        if missing or extra:
            words = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"also has {', '.join(extra)}"] * bool(extra)
            raise TaskError(
                f"{shown(str(place))} {shown(' and '.join(words))}, compared with the classes of "
                f"{shown(str(places['train']))}; every split needs the same class folders"
            )


def _images_in(folder: Path, passed: Counter[str], seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Image files at any depth, sorted within each folder; a link back to a folder above is not followed.

    Other files that look like images or data are counted in ``passed``.
    """
    real = folder.resolve()
    if real in seen:
        return
    for path in sorted(folder.iterdir()):
        if not is_visible(path):
            continue
        if path.is_dir():
            yield from _images_in(path, passed, seen | {real})
        elif _is_image(path):
            yield path
        elif path.is_file() and (kind := passed_over_as(path)) is not None:
            passed[kind] += 1


def _masks_among(paths: Sequence[Path]) -> list[Path]:
    """Files whose names are those of others in their folder and a word for a mask (``a.png``, ``a_mask_1.png``)."""
    stems = {(path.parent, path.stem) for path in paths}
    found = ((path, MASK.fullmatch(path.stem)) for path in paths)
    return [path for path, name in found if name is not None and (path.parent, name[1]) in stems]


def check_image_folder(path: Path, *, splits: bool = True) -> None:
    """What :func:`image_folder` says of the names of folders and files alone: no image is read. Errors as there."""
    _found_in(path, splits=splits)


def holds_images(path: Path) -> bool:
    """Whether a folder has image files in it, at any depth."""
    return any(True for _ in _images_in(path, Counter()))


def _is_image(path: Path) -> bool:
    """Whether it is an image by its name: no pipes, no folders; a broken link is one, and reported."""
    return path.suffix.lower() in EXTENSIONS and (path.is_file() or not path.exists())
