"""Many image files into blocks on disk: by several processes, with progress, taken up again after a kill.

What a set of files is made of (their names, sizes and times, the size that is asked for, the decoder's version) names
the blocks, so those of other files, or of a folder that was changed, are never taken for it. One file that was repaired
costs its block. Where the disk has no room for the pixels only the facts are kept, and images are decoded whenever they
are looked at.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from archlock.errors import TaskError, WriteError
from archlock.records import write_atomic
from archlock.tasks.framing import Framing
from archlock.tasks.sources.decoding import UnreadableError, decode
from archlock.tasks.sources.depth import Scale
from archlock.tasks.sources.image_file import Decoder, ImageFile, given, paths_and_bytes, signature_of
from archlock.tasks.stored.blocks import AT_ONCE, Block, facts_of_blocks, found_block, key_of, reasons_in, write_block
from archlock.tasks.stored.cache import Cache
from archlock.tasks.stored.view import StoredImages

LOG = logging.getLogger("archlock.tasks")
VERSION = 1
SPARE = 2**28
"""Bytes that are left free on a disk."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Images of files on disk, with those that cannot be read."""

    images: StoredImages
    """A row for each file."""
    unreadable: Mapping[int, str]
    stored_side: int
    """Median of the smaller sides of the files' images, in pixels."""
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What the headers of all files say."""

    framing: Framing
    scale: Scale
    stored_side: int
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Setting:
    folder: str
    framing: Framing
    scale: Scale
    with_pixels: bool


@dataclass(frozen=True, slots=True)
class _Order:
    """A block to be filled."""

    key: str
    first: int
    """Place of its first file among all."""
    files: tuple[ImageFile, ...]


def gathered(
    files: Sequence[ImageFile],
    framing: Framing,
    cache: Cache,
    look: Callable[[], Looked],
    progress: Callable[[int, int], None] | None,
) -> Gathered:
    """The images of the files, from the cache as far as they are there.

    ``look`` reads the headers, which is not done where the set is there. WriteError where the disk is full.
    """
    signatures = [signature_of(file.source) for file in files]
    index = cache.folder / "sets" / f"{_key(framing, signatures)}.json"
    found = _found(index, files, cache)
    if found is not None:
        return found
    cache.free_bytes()  # (a folder that cannot be written is refused before anything is read)
    with _alone(index):
        found = _found(index, files, cache)
        return found or _made(index, files, signatures, look(), cache, progress)


def _key(framing: Framing, signatures: Sequence[str]) -> str:
    from PIL import __version__

    return key_of("set", VERSION, __version__, framing, tuple(signatures))


def _found(index: Path, files: Sequence[ImageFile], cache: Cache) -> Gathered | None:
    """The set, if it was finished and all of it is still there."""
    try:
        kept = json.loads(index.read_text())
        looked = Looked(
            Framing(**_framing_of(kept["framing"])), Scale(*kept["scale"]), kept["stored_side"], tuple(kept["remarks"])
        )
        blocks = [
            found_block(str(cache.folder), key, count, looked.framing.size, with_pixels=kept["with_pixels"])
            for key, count in kept["blocks"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    whole = [block for block in blocks if block is not None]
    if len(whole) < len(blocks):
        return None
    if not kept["with_pixels"] and bytes_of(len(files), looked.framing) + SPARE <= cache.free_bytes():
        return None  # there is room by now
    return _gathered(whole, files, looked, decoding=not kept["with_pixels"])


def bytes_of(count: int, framing: Framing) -> int:
    """Of so many images of that size, in three channels."""
    return count * 3 * framing.height * framing.width


def _framing_of(kept: dict[str, Any]) -> dict[str, Any]:
    stretched = kept["stretched"]
    return kept | {"stretched": tuple(stretched) if isinstance(stretched, list) else None}


def _made(
    index: Path,
    files: Sequence[ImageFile],
    signatures: Sequence[str],
    looked: Looked,
    cache: Cache,
    progress: Callable[[int, int], None] | None,
) -> Gathered:
    size, folder = looked.framing.size, str(cache.folder)
    orders = _orders(files, signatures, looked)
    blocks = [found_block(folder, one.key, len(one.files), size, with_pixels=True) for one in orders]
    needed = bytes_of(
        sum(len(one.files) for one, block in zip(orders, blocks, strict=True) if block is None), looked.framing
    )
    with_pixels = needed == 0 or needed + SPARE <= cache.free_bytes()
    if not with_pixels:
        blocks = [found_block(folder, one.key, len(one.files), size, with_pixels=False) for one in orders]
    missing = [place for place, block in enumerate(blocks) if block is None]
    done = sum(block.count for block in blocks if block is not None)
    if progress is not None and missing:
        progress(done, len(files))
    setting = _Setting(folder, looked.framing, looked.scale, with_pixels)
    for number, made in _filled(setting, [orders[place] for place in missing], cache):
        blocks[missing[number]] = made
        done += made.count
        if progress is not None:
            progress(done, len(files))
    _refuse_changed(files, signatures, [orders[place] for place in missing])
    whole = [block for block in blocks if block is not None]
    write_atomic(index, json.dumps(_index(whole, looked, with_pixels=with_pixels)))
    return _gathered(whole, files, looked, decoding=not with_pixels)


def _orders(files: Sequence[ImageFile], signatures: Sequence[str], looked: Looked) -> list[_Order]:
    """The blocks that the files make."""
    from PIL import __version__

    count = max(1, AT_ONCE // bytes_of(1, looked.framing))
    made = []
    for start in range(0, len(files), count):
        key = key_of(VERSION, __version__, looked.framing, looked.scale, signatures[start : start + count])
        made.append(_Order(key, start, tuple(files[start : start + count])))
    return made


def _refuse_changed(files: Sequence[ImageFile], signatures: Sequence[str], filled: Sequence[_Order]) -> None:
    """TaskError where a file is another one now than before it was decoded."""
    for order in filled:
        for row, file in enumerate(order.files, order.first):
            if isinstance(file.source, Path) and signature_of(file.source) != signatures[row]:
                raise TaskError(
                    f"{file.name} was changed while the {len(files):,} images were decoded; run the same command again "
                    "when nobody writes there"
                )


def _index(blocks: Sequence[Block], looked: Looked, *, with_pixels: bool) -> dict[str, Any]:
    return {
        "with_pixels": with_pixels,
        "framing": {name: getattr(looked.framing, name) for name in Framing.__dataclass_fields__},
        "scale": [looked.scale.black, looked.scale.white],
        "stored_side": looked.stored_side,
        "remarks": looked.remarks,
        "blocks": [(block.key, block.count) for block in blocks],
    }


def _filled(setting: _Setting, orders: Sequence[_Order], cache: Cache) -> Iterator[tuple[int, Block]]:
    """Blocks with their place among the orders, as they are done."""
    if not orders:
        return
    from archlock.execution import default_workers, executor_for

    sent = (replace(order, files=paths_and_bytes(order.files)) for order in orders)  # (bytes are fetched one by one)
    with executor_for(min(len(orders), cache.workers or default_workers())) as executor:
        yield from executor.run(_fill, setting, sent)


def _fill(setting: _Setting, order: _Order) -> Block:
    """Decode the files of a block and write it."""
    images: list[np.ndarray | None] = []
    reasons = {}
    for row, file in enumerate(order.files):
        try:
            images.append(decode(given(file.source), framing=setting.framing, scale=setting.scale))
        except UnreadableError as error:
            images.append(None)
            reasons[row] = str(error)
    return write_block(
        setting.folder,
        order.key,
        images,
        setting.framing.size,
        reasons=reasons,
        with_pixels=setting.with_pixels,
    )


def _gathered(blocks: Sequence[Block], files: Sequence[ImageFile], looked: Looked, *, decoding: bool) -> Gathered:
    starts = np.cumsum([0, *(block.count for block in blocks)]).tolist()
    unreadable = {
        start + row: why for start, block in zip(starts, blocks, strict=False) for row, why in reasons_in(block).items()
    }
    facts = facts_of_blocks(tuple(blocks))
    if decoding:
        digests = [digest.tobytes() for digest in facts["digest"]]
        blocks = [
            replace(
                block,
                decoder=Decoder(
                    tuple(files[start : start + block.count]),
                    looked.framing,
                    looked.scale,
                    tuple(digests[start : start + block.count]),
                ),
            )
            for start, block in zip(starts, blocks, strict=False)
        ]
    channels = 3 if facts["channels"].max(initial=1) == 3 else 1
    images = StoredImages(tuple(blocks), looked.framing.size, channels, np.arange(len(files), dtype=np.int64))
    return Gathered(images, unreadable, looked.stored_side, looked.remarks)


@contextmanager
def _alone(index: Path) -> Iterator[None]:
    """Inside, no other process of this machine makes the same set; one that is killed keeps nobody waiting."""
    try:
        import fcntl
    except ImportError:  # no Unix: both make it, and the blocks are the same
        yield
        return
    lock = index.with_suffix(".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        stream = lock.open("w")
    except OSError as error:
        raise WriteError.of(lock, error) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            LOG.warning("another process is decoding the same images; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
