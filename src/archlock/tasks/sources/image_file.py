"""An image file that is not decoded yet: on disk, in memory, or in a row of somebody's data set."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from archlock.errors import TaskError
from archlock.tasks.framing import Framing
from archlock.tasks.sources.decoding import UnreadableError, decode
from archlock.tasks.sources.depth import Scale
from archlock.tasks.stored.blocks import digest_of


@runtime_checkable
class Held(Protocol):
    """Bytes that are fetched when they are needed."""

    def read(self) -> bytes:
        """The file."""
        ...


Source = bytes | Path | Held


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image that is not decoded yet, and what to call it in messages."""

    source: Source
    name: str


def given(source: Source) -> bytes | Path:
    """As decoders take it."""
    return source if isinstance(source, bytes | Path) else source.read()


def signature_of(source: Source) -> str:
    """What changes when the file does: of a path its last two names, size and times; of bytes their hash.

    The time of the last change of the entry in the folder (ctime) is among them, which no program sets: a file that is
    replaced by another of the same size and date is noticed.
    """
    if not isinstance(source, Path):
        content = source if isinstance(source, bytes) else source.read()
        return hashlib.blake2b(content, digest_size=16).hexdigest()
    try:
        found = os.stat(source)  # noqa: PTH116 (as quick as it gets, for there may be a million)
    except OSError as error:
        return f"{source}: {error.strerror}"
    return f"{'/'.join(source.parts[-2:])} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


@dataclass(frozen=True, slots=True)
class Decoder:
    """Decodes the files of a block whenever they are looked at: for data that no disk has room for."""

    files: tuple[ImageFile, ...]
    framing: Framing
    scale: Scale
    digests: tuple[bytes, ...]
    """Of their pixels when they were first read."""

    def pixels(self, rows: np.ndarray, channels: int) -> UInt8[np.ndarray, "rows height width channels"]:
        """Images of those rows; TaskError for a file that is not what it was."""
        found = np.empty((len(rows), *self.framing.size, channels), dtype=np.uint8)
        for place, row in enumerate(rows.tolist()):
            file = self.files[row]
            try:
                found[place] = decode(given(file.source), framing=self.framing, scale=self.scale)
            except (UnreadableError, OSError) as error:
                raise TaskError(f"{file.name} could be read before, and now it cannot ({error}); restore it") from error
            if digest_of(found[place]) != self.digests[row]:
                raise TaskError(f"{file.name} was changed since it was first read; run the same command again")
        return found


def paths_and_bytes(files: Sequence[ImageFile]) -> tuple[ImageFile, ...]:
    """The files as another process can read them."""
    return tuple(ImageFile(given(file.source), file.name) for file in files)
