"""Parts of a split, in memory when their turn comes: fetched ahead by a thread where the images are on disk.

Images in a cache are read, and any are augmented, in a thread while the network trains on the batch before. Images that
are decoded whenever they are looked at come from worker processes (``torch.utils.data.DataLoader``). Neither changes
what is computed: the order is decided beforehand, and chance belongs to the batch.
"""

import multiprocessing
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from archlock.tasks import Split, is_stored

AHEAD: Final = 2
"""Parts that wait at most."""
DECODERS: Final = 2
"""Worker processes that decode."""

T = TypeVar("T")


def fetched(split: Split, orders: Sequence[np.ndarray]) -> Iterator[Split]:
    """The parts of a split that have those rows, each in memory."""
    if is_stored(split.images) and split.images.decodes and not multiprocessing.current_process().daemon:
        return _decoded(split, orders)
    return (split.take(rows).loaded() for rows in orders)


def ahead(parts: Iterator[T]) -> Iterator[T]:
    """The same parts, made by a thread while the last one is used; what it raises is raised here."""
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(AHEAD)
    given_up, threads = threading.Event(), torch.get_num_threads()

    def put(kind: str, what: Any) -> bool:
        while not given_up.is_set():
            with suppress(queue.Full):
                ready.put((kind, what), timeout=0.1)
                return True
        return False

    def make() -> None:
        torch.set_num_threads(threads)  # (libraries count them for each thread that calls)
        try:
            for part in parts:
                if not put("part", part):
                    return
            put("end", None)
        except BaseException as error:
            put("error", error)

    thread = threading.Thread(target=make, name="archlock batches", daemon=True)
    thread.start()
    try:
        while True:
            kind, what = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise what
            yield what
    finally:
        given_up.set()
        thread.join()


class _Rows(Dataset[Any]):
    """Images by the rows of a batch."""

    def __init__(self, split: Split) -> None:
        self.images: Any = split.images

    def __getitem__(self, rows: Any) -> Any:
        return self.images[rows]


def _decoded(split: Split, orders: Sequence[np.ndarray]) -> Iterator[Split]:
    """By worker processes. They have a generator of their own, so that nobody else's chance moves."""
    loader = DataLoader(
        _Rows(split),
        sampler=list(orders),
        batch_size=None,
        num_workers=DECODERS,
        collate_fn=_as_it_is,
        generator=torch.Generator().manual_seed(0),
    )
    for rows, images in zip(orders, loader, strict=True):
        part = split.take(rows)
        yield Split(images, np.asarray(part.targets), part.groups, part.scoring)


def _as_it_is(images: Any) -> Any:
    return images
