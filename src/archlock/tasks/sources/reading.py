"""Many image files to one array of one size, decoded by a pool of threads (Pillow lets them run at the same time)."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8

from archlock.errors import TaskError
from archlock.tasks.framing import Framing
from archlock.tasks.sources.decoding import Header, UnreadableError, decode, header_of
from archlock.tasks.sources.depth import scale_of
from archlock.tasks.wording import several

SMALLEST, LARGEST = 8, 64
"""Limits of the side that is chosen when none is given."""

SHOWN = 5
"""Bad files named in an error."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that is not decoded yet, and what to call it in messages."""

    source: bytes | Path
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class ReadImages:
    """What could be read."""

    images: UInt8[np.ndarray, "readable height width channels"]
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
) -> ReadImages:
    """Images of one size, grey if all of them are and else RGB.

    A side as ``image_size`` stands for squares. Without one the side is the median of the smaller sides of all images,
    rounded, at least 8 and at most 64. Levels of more than 8 bits have one scale, that of all files together. Files
    that cannot be used raise TaskError, or are left out with ``skip_bad`` (never all of them). ``where`` names the
    data.
    """
    unreadable: dict[int, str] = {}
    headers: list[Header | None] = [None] * len(files)

    def look(row: int) -> None:
        headers[row] = header_of(files[row].source)

    framing = Framing.of(image_size)
    _in_threads(look, range(len(files)), unreadable, None)
    if framing is None:
        _refuse(unreadable, files, skip_bad)
        side = int(np.clip(np.rint(_middle(headers)), SMALLEST, LARGEST))
        framing = Framing(side, side)
        rows = [row for row in range(len(files)) if row not in unreadable]
    else:  # all are read, so that all that are bad are named at once
        rows, unreadable = list(range(len(files))), {}
    scale, remark = scale_of((one.depth for one in headers if one is not None and one.depth is not None), where)
    images = np.zeros((len(files), *framing.size, 3), dtype=np.uint8)
    channels = np.zeros(len(files), dtype=np.int64)

    def read(row: int) -> None:
        image = decode(files[row].source, framing=framing, scale=scale)
        images[row], channels[row] = image, image.shape[2]

    _in_threads(read, rows, unreadable, progress)
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


def _refuse(unreadable: dict[int, str], files: Sequence[ImageFile], skip_bad: bool) -> None:
    if not unreadable or (skip_bad and len(unreadable) < len(files)):
        return
    bad = sorted((files[row].name, reason) for row, reason in unreadable.items())
    listed = "; ".join(f"{name} {reason}" for name, reason in bad[:SHOWN])
    more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
    fix = "repair them" if skip_bad else "repair or remove them, or leave them out with skip_bad (--skip-bad)"
    raise TaskError(f"{len(bad)} of {len(files)} images cannot be used: {listed}{more}; {fix}")
