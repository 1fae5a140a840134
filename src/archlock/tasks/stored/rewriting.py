"""Images on disk after a change: again a view of what is on disk, part by part; an array where they are few by then."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import numpy as np

from archlock.tasks.stored.blocks import AT_ONCE, Block, digest_of, found_block, key_of, write_block
from archlock.tasks.stored.view import StoredImages

FEW: Final = 2**24
"""Bytes up to which what was changed is held in memory."""


def rewritten(
    images: StoredImages, change: Callable[[np.ndarray], np.ndarray], shape: tuple[int, int, int], *name: object
) -> Any:
    """Images (channels, height, width as ``shape``) after a change that keeps to each of them and depends on ``name``.

    What was written before is found again. WriteError where the disk is full.
    """
    channels, height, width = shape
    if len(images) * channels * height * width <= FEW:
        return np.concatenate([change(part) for part in images.parts()])
    step = max(1, AT_ONCE // max(channels * height * width, images.nbytes // max(1, len(images))))
    cuts = [np.arange(start, min(start + step, len(images))) for start in range(0, len(images), step)]

    def parts() -> Iterable[tuple[str, int, Callable[[], np.ndarray]]]:
        for rows in cuts:
            part = images.taken(rows)
            key = key_of("changed", shape, name, digest_of(part.digests()))
            yield key, len(rows), partial(_changed, part, change)

    return view_of(images.blocks[0].folder, (height, width), parts())


def _changed(part: StoredImages, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return change(part[:])


def view_of(
    folder: str, size: tuple[int, int], parts: Iterable[tuple[str, int, Callable[[], np.ndarray]]]
) -> StoredImages:
    """A view of arrays that are put into a folder: their keys, numbers of images, and what makes those that lack."""
    blocks = list[Block]()
    for key, count, make in parts:
        block = found_block(folder, key, count, size, with_pixels=True)
        blocks.append(block or write_block(folder, key, list(make()), size, reasons={}, with_pixels=True))
    channels, rows = max(block.channels for block in blocks), sum(block.count for block in blocks)
    return StoredImages(tuple(blocks), size, channels, np.arange(rows, dtype=np.int64))
