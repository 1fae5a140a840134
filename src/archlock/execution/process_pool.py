"""Jobs in worker processes of this machine.

Every worker has a line of its own and one chunk at a time, so a worker that is killed costs what it had under way and
disturbs nobody else: another takes its place and gets the same jobs again, one by one. A job that was under way in
three workers that were killed is given up. Processes begin afresh (spawn) and do not run the user's script again, so
that needs no ``if __name__ == "__main__"``. Workers that lose their parent end by themselves. Beginning is most of what
a run of short jobs costs: inside :func:`workers_kept` a run takes over the processes of the one before. Not for: many
machines.
"""

import atexit
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import chain, islice, repeat
from multiprocessing.connection import Connection, wait
from typing import Any, Final

import cloudpickle

from archlock.errors import RunError
from archlock.execution.children import begins_processes, check_workers
from archlock.execution.executor import Chunk, Executor, J, R, S
from archlock.execution.in_process import InProcess
from archlock.execution.threads import one_thread_for_good
from archlock.execution.worker_side import Station, answered

DEATHS: Final = 3
"""So many workers may be killed over a job before it is given up."""
TOGETHER: Final = 4
"""So many processes begin together where each does one job alone."""

_STOP: Final = b""
_REST: Final = b"rest"
_WORK: Final = b"work"
_LOOK_SECONDS: Final = 1.0


@contextmanager
def workers_kept() -> Iterator[None]:
    """Inside, the processes of a run that has ended wait for the next run of this thread; at the end they end.

    They have forgotten the work of the run before, but not what it imported: for runs between which no code and no
    variable of the environment changes, such as those of one recipe. Also a decorator.
    """
    if _KEPT.get() is not None:
        yield
        return
    kept: list[_Worker] = []
    token = _KEPT.set(kept)

    def end() -> None:
        for worker in kept:
            worker.stop()
        while kept:
            kept.pop().end()

    atexit.register(end)
    try:
        yield
    finally:
        _KEPT.reset(token)
        end()
        atexit.unregister(end)


class ProcessPool(Executor):
    """At most ``workers`` processes, begun when a run begins and ended with it, unless they are kept
    (:func:`workers_kept`). A single job runs in this process."""

    def __init__(self, workers: int) -> None:
        check_workers(workers)
        self._workers = int(workers)

    @property
    def workers(self) -> int:
        """Number of processes."""
        return self._workers

    def run_chunks(self, work: Callable[[S, J], R], shared: S, chunks: Iterator[Chunk[J]]) -> Iterator[tuple[int, R]]:
        """See :meth:`Executor.run_chunks`."""
        head = list(islice(chunks, 2))
        if sum(len(chunk.jobs) for chunk in head) <= 1 or not begins_processes():
            yield from InProcess().run_chunks(work, shared, chain(head, chunks))
            return
        workers = _Workers(self._workers, cloudpickle.dumps((work, shared)), chain(head, chunks))
        atexit.register(workers.end)  # a run that somebody holds on to does not keep this process from ending
        try:
            yield from workers.results()
        finally:
            workers.rest(_KEPT.get())
            workers.end()
            atexit.unregister(workers.end)


def one_after_another(work: Callable[[S, J], R], shared: S, jobs: Iterable[J]) -> Iterator[R]:
    """``work(shared, job)`` of every job in its turn, each in a process of its own that has done no job before.

    A few processes begin and unpack the work together, then each does its job while the others do nothing: beginning
    is most of what a short job costs. Where this process may begin no others, everything is done in it (see
    :mod:`archlock.execution.children`).
    """
    if not begins_processes():
        yield from (work(shared, job) for job in jobs)
        return
    parcel, ahead = cloudpickle.dumps((work, shared)), iter(jobs)
    while some := list(islice(ahead, TOGETHER)):
        nothing: Chunk[Any] = Chunk(0, ())
        ready = _Workers(len(some), parcel, repeat(nothing, len(some)), fresh=True)
        try:
            deque(ready.results(), maxlen=0)  # no jobs, no results: all have begun and unpacked the work
            for job in some:
                alone = _Workers(1, parcel, iter([Chunk(0, (job,))]), begun=ready.take_one(), fresh=True)
                try:
                    for _, result in alone.results():
                        yield result
                finally:
                    alone.end()
        finally:
            ready.end()


class _Workers:
    """The workers of one run; ``begun`` are idle ones of another with the same parcel. ``fresh``: none has done
    anything for another run."""

    def __init__(
        self,
        size: int,
        parcel: bytes,
        chunks: Iterator[Chunk[Any]],
        *,
        begun: "Sequence[_Worker]" = (),
        fresh: bool = False,
    ) -> None:
        self._size, self._parcel, self._chunks, self._fresh = size, parcel, chunks, fresh
        self._again: deque[Chunk[Any]] = deque()
        self._deaths: Counter[int] = Counter()
        self._workers: list[_Worker] = list(begun)

    def take_one(self) -> "list[_Worker]":
        """One of the workers, which is no longer among them; none if all have died."""
        return [self._workers.pop()] if self._workers else []

    def results(self) -> Iterator[tuple[int, Any]]:
        self._hand_out()
        while busy := [worker for worker in self._workers if worker.chunk is not None]:
            taken = [(worker, *worker.take()) for worker in _ready(busy)]
            given_up = [
                error for worker, chunk, answer in taken if answer is None for error in self._redo(worker, chunk)
            ]
            if not given_up:
                self._hand_out()  # before the results, so that nobody is idle while they are looked at
            for _, chunk, answer in taken:
                if answer is not None:
                    yield from answered(chunk.first, answer)
            if given_up:
                raise given_up[0]

    def rest(self, kept: "list[_Worker] | None") -> None:
        """Those with nothing under way are kept; none where there is no such list."""
        if kept is not None:
            idle = [worker for worker in self._workers if worker.chunk is None and worker.rest()]
            self._workers = [worker for worker in self._workers if worker not in idle]
            kept += idle

    def end(self) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def _hand_out(self) -> None:
        """Give every idle worker a chunk; as long as there are chunks, there are workers."""
        idle = [worker for worker in self._workers if worker.chunk is None]
        given: list[tuple[_Worker, Chunk[Any]]] = []
        while idle or len(self._workers) < self._size:
            chunk = self._again.popleft() if self._again else next(self._chunks, None)
            if chunk is None:
                break
            if not idle:
                waiting = None if self._fresh else _waiting(self._parcel)
                idle.append(waiting or _Worker(self._parcel))
                self._workers.append(idle[-1])
            given.append((idle.pop(), chunk))
        for worker, chunk in given:  # when all have begun to begin
            worker.give(chunk)

    def _redo(self, worker: "_Worker", chunk: Chunk[Any]) -> Iterator[RunError]:
        """Forget a dead worker; its jobs are done again, one by one, unless they killed too many."""
        self._workers.remove(worker)
        how = worker.how_it_ended()
        for index, job in enumerate(chunk.jobs, chunk.first):
            self._again.append(Chunk(index, (job,)))
            self._deaths[index] += 1
        if len(chunk.jobs) == 1 and self._deaths[chunk.first] >= DEATHS:
            yield RunError(
                f"job {chunk.first} was under way in {DEATHS} worker processes that were killed (the last by {how}), "
                f"most likely for want of memory; run again with fewer than {self._size} workers"
            )


class _Worker:
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
        self._process.join(_LOOK_SECONDS)
        self._process.kill()  # in case it only closed its line
        self._process.join()
        self.line.close()
        code = self._process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"


_KEPT: ContextVar[list[_Worker] | None] = ContextVar("kept workers", default=None)
"""Those that wait for the next run, inside of :func:`workers_kept`."""


def _waiting(parcel: bytes) -> _Worker | None:
    """A worker that waits, with that work from now on; None if none does."""
    kept = _KEPT.get() or []
    while kept:
        worker = kept.pop()
        if worker.begin_again(parcel):
            return worker
        worker.end()
    return None


def _ready(busy: list[_Worker]) -> list[_Worker]:
    """Workers with an answer, or dead. A child of a dead worker may keep its line open, hence the second look."""
    lines = wait([worker.line for worker in busy], timeout=_LOOK_SECONDS)
    return [worker for worker in busy if worker.line in lines] or [worker for worker in busy if not worker.alive()]


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
