"""A worker process: how it begins, what is said on its line, how it ends, and how it waits for other work.

On the line go the work (after ``_WORK``), then chunks, each of which is answered; ``_REST`` has it forget the work, and
``_STOP`` is the end. A worker that loses its parent ends by itself.
"""

import atexit
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from multiprocessing.connection import Connection
from typing import Any, Final

import cloudpickle

from archlock.errors import RunError
from archlock.execution.executor import Chunk
from archlock.execution.threads import one_thread_for_good
from archlock.execution.worker_side import Station

_STOP: Final = b""
_REST: Final = b"rest"
_WORK: Final = b"work"
LOOK_SECONDS: Final = 1.0
"""After so long it is seen that a worker is dead."""


class Worker:
    """A process, the line to it, and the chunk it has under way."""

    def __init__(self, parcel: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there,), name="archlock worker")
        try:
            with _script_left_alone():
                self._process.start()
        except OSError as error:
            raise RunError(
                f"no worker process could be begun ({error}); run with --workers 1 (workers=1), which needs none"
            ) from error
        there.close()
        self._parcel: bytes | None = parcel
        self.chunk: Chunk[Any] | None = None

    def rest(self) -> bool:
        """Forget the work; whether it is still there to do so."""
        with suppress(OSError):
            self.line.send_bytes(_REST)
            return self.alive()
        return False

    def begin_again(self, parcel: bytes) -> bool:
        """Take other work; whether it is still there to do so."""
        self._parcel = parcel
        return self.alive()

    def give(self, chunk: Chunk[Any]) -> None:
        """Send a chunk, and before the first one the work."""
        self.chunk = chunk
        parcel = cloudpickle.dumps(chunk)
        with suppress(OSError):  # it was killed: that is seen when its answer is taken
            if self._parcel is not None:
                self.line.send_bytes(_WORK)
                self.line.send_bytes(self._parcel)
                self._parcel = None
            self.line.send_bytes(parcel)

    def take(self) -> tuple[Chunk[Any], bytes | None]:
        """The chunk and its answer; None for an answer that will not come."""
        if self.chunk is None:
            raise ValueError("this worker has nothing under way")
        chunk, answer = self.chunk, None
        with suppress(EOFError, OSError):
            if self.line.poll():
                answer = self.line.recv_bytes()
        self.chunk = None  # not before: who is interrupted here has an answer on the line, and is not kept
        return chunk, answer

    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.is_alive()

    def stop(self) -> None:
        """Ask it to begin no other job."""
        with suppress(OSError):
            self.line.send_bytes(_STOP)

    def end(self) -> None:
        """Wait until the job under way has ended."""
        with suppress(EOFError, OSError):
            while self._process.is_alive():
                if self.line.poll(0.1):
                    self.line.recv_bytes()  # an answer that nobody wants
        self._process.join()
        self.line.close()

    def how_it_ended(self) -> str:
        """How a dead process ended; its resources are given back."""
        self._process.join(LOOK_SECONDS)
        self._process.kill()  # in case it only closed its line
        self._process.join()
        self.line.close()
        code = self._process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"


KEPT: ContextVar[list[Worker] | None] = ContextVar("kept workers", default=None)
"""Those that wait for the next run, inside of :func:`workers_kept`."""


def waiting(parcel: bytes) -> Worker | None:
    """A worker that waits, with that work from now on; None if none does."""
    kept = KEPT.get() or []
    while kept:
        worker = kept.pop()
        if worker.begin_again(parcel):
            return worker
        worker.end()
    return None


@contextmanager
def workers_kept() -> Iterator[None]:
    """Inside, the processes of a run that has ended wait for the next run of this thread; at the end they end.

    They have forgotten the work of the run before, but not what it imported: for runs between which no code and no
    variable of the environment changes, such as those of one recipe.
    """
    if KEPT.get() is not None:
        yield
        return
    kept: list[Worker] = []
    token = KEPT.set(kept)

    def end() -> None:
        for worker in kept:
            worker.stop()
        while kept:
            kept.pop().end()

    atexit.register(end)
    try:
        yield
    finally:
        KEPT.reset(token)
        end()
        atexit.unregister(end)


@contextmanager
def _script_left_alone() -> Iterator[None]:
    """Processes started inside do not import the script that this process runs."""
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    for name in hidden:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)


def _serve(line: Connection) -> None:
    """The life of a worker process."""
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    stopped = threading.Event()
    threading.Thread(target=_listen, args=(line, inbox, stopped), daemon=True).start()
    one_thread_for_good()
    with suppress(KeyboardInterrupt, BrokenPipeError):
        station = None
        while not stopped.is_set() and (parcel := inbox.get()) != _STOP:
            if parcel == _REST:
                station = None
            elif parcel == _WORK:
                station = Station(inbox.get())
            elif station is not None:
                line.send_bytes(station.perform(parcel, stopped.is_set))


def _listen(line: Connection, inbox: "queue.SimpleQueue[bytes]", stopped: threading.Event) -> None:
    while True:
        try:
            parcel = line.recv_bytes()
        except (EOFError, OSError):
            os._exit(1)  # the parent is gone
        if parcel == _STOP:
            stopped.set()
        inbox.put(parcel)
