"""What is asked of the rows of a split, whether they are an array in memory or a view of images on disk.

Of a view everything is answered from what was noted when it was decoded, or part by part: it is never in memory whole.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from archlock.tasks.stored.blocks import AT_ONCE, digest_of
from archlock.tasks.stored.view import StoredImages, is_stored


def taken(values: Any, rows: Sequence[int] | np.ndarray) -> Any:
    """The given rows, in the given order; of a view a view."""
    return values.taken(rows) if is_stored(values) else values[rows]


def loaded(values: Any) -> Any:
    """As an array in memory, which a small view may become."""
    return np.asarray(values) if is_stored(values) else values


def joined(first: Any, second: Any) -> Any:
    """Rows of one and then of the other; of two views a view."""
    if is_stored(first) and is_stored(second):
        return first.joined(second)
    return np.concatenate([loaded(first), loaded(second)])


def parts_of(values: Any, size: int = AT_ONCE) -> Iterator[np.ndarray]:
    """Arrays that make up the rows: the array itself, or parts of a view of about so many bytes."""
    if is_stored(values):
        yield from values.parts(size)
    else:
        yield values


def digests_of(values: Any) -> list[bytes]:
    """A hash of every row."""
    if is_stored(values):
        return [row.tobytes() for row in values.digests()]
    return [digest_of(row) for row in np.ascontiguousarray(values).reshape(len(values), -1)]


def ranges_of(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest value of every row."""
    if is_stored(values):
        facts = values.facts()
        return facts["low"], facts["high"]
    flat = values.reshape(len(values), -1)
    return flat.min(axis=1), flat.max(axis=1)


def content_of(values: Any) -> Iterator[bytes | memoryview]:
    """What a fingerprint is made of: all bytes of an array, of a view the hashes of its rows."""
    if is_stored(values):
        yield b"rows"
        yield values.digests().tobytes()
    else:
        yield np.ascontiguousarray(values).data


def mapped(values: Any, change: Callable[[np.ndarray], np.ndarray]) -> Iterator[np.ndarray]:
    """Parts of the rows after a change that keeps to each row."""
    for part in parts_of(values):
        yield change(part)


__all__ = [
    "StoredImages",
    "content_of",
    "digests_of",
    "is_stored",
    "joined",
    "loaded",
    "mapped",
    "parts_of",
    "ranges_of",
    "taken",
]
