"""Blocks of decoded images on disk, and what is known of every image without reading it again.

A block is some hundred images in the order of their files: ``KEY.u8`` holds the pixels one after another,
``KEY.facts`` a row of facts for each image, ``KEY.json`` why images of it could not be read. The key is a hash of what
the pixels depend on. The facts are written last and every file whole or not at all, so a block that has facts is
complete, whatever was killed or full before. Pixels are read by position, as pages of a mapped file would count as
memory of the process.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8

from archlock.errors import TaskError
from archlock.records import write_atomic

AT_ONCE: Final = 2**25
"""Bytes of pixels in a block, about."""

FACTS: Final = np.dtype(
    [
        ("channels", "u1"),  # 0: it cannot be read
        ("digest", "V16"),  # of the pixels as the block has them
        ("coloured", "V16"),  # of the pixels repeated to three channels
        ("sum", "u8", 3),  # of the levels of every channel (grey: three times the same)
        ("square", "u8", 3),
        ("low", "u1"),
        ("high", "u1"),
    ]
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it lies in a folder; two are the same if their keys are."""

    folder: str
    key: str
    count: int = field(compare=False)
    """Images in it, those that cannot be read included."""
    channels: int = field(compare=False)
    decoder: Any = field(default=None, compare=False)
    """Where pixels are not kept: what decodes them again, by their rows (:class:`~.decoded.Decoder`)."""

    def path(self, suffix: str) -> Path:
        """Of one of its files."""
        return Path(self.folder) / self.key[:2] / f"{self.key}.{suffix}"

    def pixels(self, rows: np.ndarray, size: tuple[int, int]) -> UInt8[np.ndarray, "rows height width channels"]:
        """Images of those rows; TaskError where they are gone."""
        if self.decoder is not None:
            decoded: np.ndarray = self.decoder.pixels(rows, self.channels)
            return decoded
        one = size[0] * size[1] * self.channels
        found = np.empty((len(rows), *size, self.channels), dtype=np.uint8)
        try:
            with self.path("u8").open("rb", buffering=0) as stream:
                for place, row in enumerate(rows.tolist()):
                    stream.seek(row * one)
                    if stream.readinto(found[place].reshape(-1).data) != one:
                        raise EOFError("it ends too early")
        except (OSError, EOFError) as error:
            raise TaskError(
                f"decoded images are no longer in the cache ({self.path('u8')}: {error}); run the same command again, "
                "and leave the cache alone as long as a run uses it"
            ) from error
        return found


def key_of(*parts: object) -> str:
    """Hash of what pixels depend on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def digest_of(row: np.ndarray) -> bytes:
    """Hash of the pixels of an image, or of the values of any example."""
    return hashlib.blake2b(np.ascontiguousarray(row).data, digest_size=16).digest()


def facts_of(images: Sequence[np.ndarray | None]) -> np.ndarray:
    """Of images (height x width x 1 or 3; None: cannot be read) that make a block."""
    facts = np.zeros(len(images), dtype=FACTS)
    channels = max((image.shape[2] for image in images if image is not None), default=1)
    for fact, image in zip(facts, images, strict=True):
        if image is None:
            continue
        kept = image if image.shape[2] == channels else np.repeat(image, channels, axis=2)
        wide = kept.astype(np.uint32)
        fact["channels"], fact["digest"] = image.shape[2], digest_of(kept)
        fact["coloured"] = digest_of(np.repeat(kept, 3, axis=2)) if channels == 1 else fact["digest"]
        fact["sum"], fact["square"] = wide.sum(axis=(0, 1)), (wide * wide).sum(axis=(0, 1), dtype=np.uint64)
        fact["low"], fact["high"] = kept.min(), kept.max()
    return facts


def write_block(
    folder: str,
    key: str,
    images: Sequence[np.ndarray | None],
    size: tuple[int, int],
    *,
    reasons: Mapping[int, str],
    with_pixels: bool,
) -> Block:
    """Put images into a folder; WriteError where there is no room, and then nothing of the block is there."""
    facts = facts_of(images)
    block = Block(folder, key, len(images), max(1, int(facts["channels"].max(initial=1))))
    if with_pixels:
        pixels = np.zeros((len(images), *size, block.channels), dtype=np.uint8)
        for row, image in enumerate(images):
            if image is not None:
                pixels[row] = image  # (grey among coloured ones is repeated)
        write_atomic(block.path("u8"), pixels.tobytes())
    if reasons:
        write_atomic(block.path("json"), json.dumps({str(row): why for row, why in reasons.items()}))
    write_atomic(block.path("facts"), _packed(facts))
    return block


def _packed(facts: np.ndarray) -> bytes:
    return facts.tobytes()


def found_block(folder: str, key: str, count: int, size: tuple[int, int], *, with_pixels: bool) -> Block | None:
    """The block of that key where it is complete and its first and last image are what its facts say; else None."""
    try:
        facts = facts_in(folder, key)
    except (OSError, ValueError):
        return None
    if len(facts) != count:
        return None
    block = Block(folder, key, count, max(1, int(facts["channels"].max(initial=1))))
    if not with_pixels:
        return block
    try:
        whole = block.path("u8").stat().st_size == count * size[0] * size[1] * block.channels
    except OSError:
        return None
    readable = np.flatnonzero(facts["channels"])[[0, -1]] if facts["channels"].any() else np.zeros(0, dtype=np.int64)
    if not whole:
        return None
    same = (
        digest_of(image) == fact.tobytes()
        for image, fact in zip(block.pixels(readable, size), facts["digest"][readable], strict=True)
    )
    return block if all(same) else None


def facts_in(folder: str, key: str) -> np.ndarray:
    """Facts of a block, a row for each image."""
    return np.frombuffer(Block(folder, key, 0, 0).path("facts").read_bytes(), dtype=FACTS)


def reasons_in(block: Block) -> dict[int, str]:
    """Why images of it cannot be read, by row."""
    path = block.path("json")
    return {int(row): why for row, why in json.loads(path.read_text()).items()} if path.exists() else {}


@lru_cache(maxsize=64)
def facts_of_blocks(blocks: tuple[Block, ...]) -> np.ndarray:
    """Facts of all images of several blocks; TaskError where they are gone."""
    try:
        return np.concatenate([facts_in(block.folder, block.key) for block in blocks])
    except OSError as error:
        raise TaskError(
            f"the cache of decoded images is no longer complete ({error}); run the same command again, and leave the "
            "cache alone as long as a run uses it"
        ) from error
