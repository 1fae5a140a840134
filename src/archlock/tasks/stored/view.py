"""Images of which only those are in memory that somebody looks at: an ordered view of blocks on disk.

It has the shape of an array and is indexed like one, which reads what is asked for; :meth:`StoredImages.taken` is
another view and reads nothing. It travels to another process as the names of its blocks and the places of its rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from jaxtyping import Int64, UInt8

from archlock.tasks.stored.blocks import AT_ONCE, Block, facts_of_blocks


@dataclass(frozen=True, slots=True, eq=False)
class StoredImages:
    """N x H x W x C of ``uint8``, row by row somewhere in the blocks."""

    blocks: tuple[Block, ...]
    size: tuple[int, int]
    """Height and width."""
    channels: int
    """Of all images; those of grey blocks are repeated."""
    rows: Int64[np.ndarray, " examples"]
    """Their places in the blocks, counted through."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """As of an array."""
        return len(self.rows), *self.size, self.channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """As of an array."""
        return np.dtype(np.uint8)

    @property
    def ndim(self) -> int:
        """As of an array."""
        return 4

    @property
    def nbytes(self) -> int:
        """That an array of them would take."""
        return int(np.prod(self.shape))

    @property
    def decodes(self) -> bool:
        """Whether any of it is decoded when it is asked for."""
        return any(block.decoder is not None for block in self.blocks)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: Any) -> UInt8[np.ndarray, "..."]:
        """An array: what is chosen is read."""
        rows, *others = chosen if isinstance(chosen, tuple) else (chosen,)
        if isinstance(rows, int | np.integer):
            one = self._read(self.rows[[int(rows)]])[0]
            return np.asarray(one[tuple(others)] if others else one)
        found = self._read(self.rows[rows])
        return found[(slice(None), *others)] if others else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        found = self._read(self.rows)
        return found if dtype is None else found.astype(dtype)

    def taken(self, rows: Sequence[int] | np.ndarray) -> "StoredImages":
        """The view of those rows, in their order; nothing is read."""
        return replace(self, rows=self.rows[rows])

    def with_channels(self, channels: int) -> "StoredImages":
        """Grey images as coloured ones; any other change takes their pixels."""
        return replace(self, channels=channels)

    def joined(self, others: "StoredImages") -> "StoredImages":
        """These and then those."""
        if self.blocks == others.blocks:
            return replace(self, rows=np.concatenate([self.rows, others.rows]))
        rows = np.concatenate([self.rows, others.rows + sum(block.count for block in self.blocks)])
        return replace(self, blocks=self.blocks + others.blocks, rows=rows)

    def parts(self, size: int = AT_ONCE) -> Iterator[UInt8[np.ndarray, "some height width channels"]]:
        """All of it, in arrays of about so many bytes."""
        step = max(1, size // max(1, int(np.prod(self.shape[1:]))))
        for start in range(0, len(self), step):
            yield self[start : start + step]

    def facts(self) -> np.ndarray:
        """What is known of every image without reading it (``blocks.FACTS``)."""
        found: np.ndarray = facts_of_blocks(self.blocks)[self.rows]
        return found

    def digests(self) -> UInt8[np.ndarray, "examples 16"]:
        """Hashes of the pixels of every image, as :func:`~.blocks.digest_of` gives them of an array's row."""
        name = "coloured" if self.channels == 3 else "digest"
        return np.frombuffer(np.ascontiguousarray(self.facts()[name]).tobytes(), dtype=np.uint8).reshape(-1, 16)

    def _read(self, rows: np.ndarray) -> UInt8[np.ndarray, "rows height width channels"]:
        starts = np.cumsum([0, *(block.count for block in self.blocks)])
        found = np.empty((len(rows), *self.size, self.channels), dtype=np.uint8)
        which = np.searchsorted(starts, rows, side="right") - 1
        for number in np.unique(which):
            places = np.flatnonzero(which == number)
            found[places] = self.blocks[number].pixels(rows[places] - starts[number], self.size)
        return found


if TYPE_CHECKING:
    Rows = np.ndarray  # (a view is indexed like an array; what more is asked of it is in ``archlock.tasks.rows``)
else:
    Rows = np.ndarray | StoredImages


def is_stored(images: object) -> TypeGuard[StoredImages]:
    """Whether images are such a view, and no array in memory."""
    return isinstance(images, StoredImages)
