"""Many image files to images of one size.

Few are decoded into one array by a pool of threads (Pillow lets them run at the same time). More than memory is to hold
go into a cache on disk (:mod:`archlock.tasks.sources.storing`), of which they are a view.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from archlock.errors import TaskError
from archlock.tasks.framing import Framing
from archlock.tasks.sources.decoding import Header, UnreadableError, decode, header_of
from archlock.tasks.sources.depth import Scale, scale_of
from archlock.tasks.sources.image_file import ImageFile, given
from archlock.tasks.sources.storing import Gathered, Looked, bytes_of, gathered
from archlock.tasks.stored.cache import Cache
from archlock.tasks.stored.view import StoredImages
from archlock.tasks.wording import in_bytes, several

SMALLEST, LARGEST = 8, 64
"""Limits of the side that is chosen when none is given."""

SHOWN = 5
"""Bad files named in an error."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadImages:
    """What could be read."""

    images: UInt8[np.ndarray, "readable height width channels"] | StoredImages
    readable: Bool[np.ndarray, " files"]
    """Which of the files they are."""
    skipped: tuple[str, ...]
    """Names of the others, sorted."""
    stored_side: int
    """Median of the smaller sides of the files' images, in pixels."""
    remarks: tuple[str, ...]
    """What was noticed about the files."""


def read_images(
    files: Sequence[ImageFile],
    *,
    image_size: int | Framing | None,
    where: str,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
    cache: Cache | None = None,
) -> ReadImages:
    """Images of one size, grey if all of them are and else RGB.

    A side as ``image_size`` stands for squares. Without one the side is the median of the smaller sides of all images,
    rounded, at least 8 and at most 64. Levels of more than 8 bits have one scale, that of all files together. Files
    that cannot be used raise TaskError, or are left out with ``skip_bad`` (never all of them). ``where`` names the
    data. More bytes (of three channels) than the ``cache`` allows in memory are kept there (None: the usual one);
    WriteError where it has no room for them.
    """
    framing, cache = Framing.of(image_size), cache or Cache()
    known: tuple[list[Header | None], dict[int, str]] | None = None
    if framing is None:
        known = _headers(files)
        _refuse(known[1], files, skip_bad)
        side = int(np.clip(np.rint(_middle(known[0])), SMALLEST, LARGEST))
        framing = Framing(side, side)
    if bytes_of(len(files), framing) <= cache.memory:
        # files without a header are left out only where that was asked for; else all that are bad are named at once
        headers, bad = known or (_headers(files)[0], dict[int, str]())
        return _in_memory(files, framing, headers, bad, where, skip_bad=skip_bad, progress=progress)

    def look() -> Looked:
        headers, bad = known or _headers(files)
        if len(bad) == len(files):
            _refuse(bad, files, skip_bad)
        scale, remark = _scale_of(headers, where)
        return Looked(framing, scale, int(np.rint(_middle(headers))), tuple(filter(None, (remark, _on_pages(headers)))))

    return _of_stored(gathered(files, framing, cache, look, progress), files, skip_bad=skip_bad)


def _in_memory(
    files: Sequence[ImageFile],
    framing: Framing,
    headers: Sequence[Header | None],
    unreadable: dict[int, str],
    where: str,
    *,
    skip_bad: bool,
    progress: Callable[[int, int], None] | None,
) -> ReadImages:
    """As one array, without those that are known to be unreadable."""
    scale, remark = _scale_of(headers, where)
    images = np.zeros((len(files), *framing.size, 3), dtype=np.uint8)
    channels = np.zeros(len(files), dtype=np.int64)

    def read(row: int) -> None:
        image = decode(given(files[row].source), framing=framing, scale=scale)
        images[row], channels[row] = image, image.shape[2]

    _in_threads(read, [row for row in range(len(files)) if row not in unreadable], unreadable, progress)
    _refuse(unreadable, files, skip_bad)
    kept = images[channels > 0] if unreadable else images
    used = [header for header, count in zip(headers, channels, strict=True) if count]
    return ReadImages(
        kept if channels.max() == 3 else np.ascontiguousarray(kept[..., :1]),
        channels > 0,
        tuple(sorted(files[row].name for row in unreadable)),
        int(np.rint(_middle(used))),
        tuple(filter(None, (remark, _on_pages(used)))),
    )


def _of_stored(found: Gathered, files: Sequence[ImageFile], *, skip_bad: bool) -> ReadImages:
    """What can be read of a set on disk, and where it is."""
    _refuse(found.unreadable, files, skip_bad)
    readable = np.ones(len(files), dtype=bool)
    readable[list(found.unreadable)] = False
    images = found.images.taken(np.flatnonzero(readable))
    taken, size = in_bytes(images.nbytes), " x ".join(map(str, images.size))
    kept = "decoded whenever they are looked at" if images.decodes else "decoded once, into a cache on disk"
    why = ", for which there is no room in the cache on disk" if images.decodes else ""
    said = f"the images take {taken} at {size} pixels, more than is held in memory{why}: they are {kept}"
    skipped = tuple(sorted(files[row].name for row in found.unreadable))
    return ReadImages(images, readable, skipped, found.stored_side, (*found.remarks, said))


def _headers(files: Sequence[ImageFile]) -> tuple[list[Header | None], dict[int, str]]:
    """Of all files, and why some have none."""
    headers: list[Header | None] = [None] * len(files)
    unreadable: dict[int, str] = {}

    def look(row: int) -> None:
        headers[row] = header_of(given(files[row].source))

    _in_threads(look, range(len(files)), unreadable, None)
    return headers, unreadable


def _scale_of(headers: Sequence[Header | None], where: str) -> tuple[Scale, str]:
    return scale_of((one.depth for one in headers if one is not None and one.depth is not None), where)


def _middle(headers: Sequence[Header | None]) -> float:
    return float(np.median([header.smaller_side for header in headers if header is not None]))


def _on_pages(headers: Sequence[Header | None]) -> str:
    count = sum(header is not None and header.images > 1 for header in headers)
    held = several(count, "file holds", "files hold")
    return f"{held} several images (frames or pages), of which the first is used" if count else ""


def _in_threads(
    work: Callable[[int], None],
    rows: Sequence[int],
    unreadable: dict[int, str],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Do the work for every row; those that it finds unreadable are added to that mapping, with the reason."""
    pool = ThreadPoolExecutor(min(16, os.cpu_count() or 1))
    try:
        futures = {pool.submit(work, row): row for row in rows}
        for done, future in enumerate(as_completed(futures), start=1):
            try:
                future.result()
            except UnreadableError as error:
                unreadable[futures[future]] = str(error)
            if progress is not None:
                progress(done, len(rows))
    finally:
        pool.shutdown(cancel_futures=True)


def _refuse(unreadable: Mapping[int, str], files: Sequence[ImageFile], skip_bad: bool) -> None:
    if not unreadable or (skip_bad and len(unreadable) < len(files)):
        return
    bad = sorted((files[row].name, reason) for row, reason in unreadable.items())
    listed = "; ".join(f"{name} {reason}" for name, reason in bad[:SHOWN])
    more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    fix = "repair them" if skip_bad else "repair or remove them, or leave them out with skip_bad (--skip-bad)"
    raise TaskError(f"{len(bad)} of {len(files)} images cannot be used: {listed}{more}; {fix}")
