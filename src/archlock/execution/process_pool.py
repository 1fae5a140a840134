"""Jobs in worker processes of this machine.

Every worker has a line of its own and one chunk at a time, so a worker that is killed costs what it had under way and
disturbs nobody else: another takes its place and gets the same jobs again, one by one. A job that was under way in
three workers that were killed is given up. Processes begin afresh (spawn) and do not run the user's script again, so
that needs no ``if __name__ == "__main__"``. Beginning is most of what a run of short jobs costs: inside
:func:`~archlock.execution.worker_process.workers_kept` a run takes over the processes of the one before. Not for: many
machines.
"""

import atexit
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from multiprocessing.connection import wait
from typing import Any, Final

import cloudpickle

from archlock.errors import RunError
from archlock.execution.children import begins_processes, check_workers
from archlock.execution.executor import Chunk, Executor, J, R, S
from archlock.execution.in_process import InProcess
from archlock.execution.worker_process import KEPT, LOOK_SECONDS, Worker, waiting
from archlock.execution.worker_side import answered

DEATHS: Final = 3
"""So many workers may be killed over a job before it is given up."""
TOGETHER: Final = 4
"""So many processes begin together where each does one job alone."""


class ProcessPool(Executor):
    """At most ``workers`` processes, begun when a run begins and ended with it, unless they are kept
    (:func:`~archlock.execution.worker_process.workers_kept`). A single job runs in this process."""

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
            workers.rest(KEPT.get())
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
        begun: Sequence[Worker] = (),
        fresh: bool = False,
    ) -> None:
        self._size, self._parcel, self._chunks, self._fresh = size, parcel, chunks, fresh
        self._again: deque[Chunk[Any]] = deque()
        self._deaths: Counter[int] = Counter()
        self._workers: list[Worker] = list(begun)

    def take_one(self) -> list[Worker]:
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

    def rest(self, kept: list[Worker] | None) -> None:
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
        given: list[tuple[Worker, Chunk[Any]]] = []
        while idle or len(self._workers) < self._size:
            chunk = self._again.popleft() if self._again else next(self._chunks, None)
            if chunk is None:
                break
            if not idle:
                begun = None if self._fresh else waiting(self._parcel)
                idle.append(begun or Worker(self._parcel))
                self._workers.append(idle[-1])
            given.append((idle.pop(), chunk))
        for worker, chunk in given:  # when all have begun to begin
            worker.give(chunk)

    def _redo(self, worker: Worker, chunk: Chunk[Any]) -> Iterator[RunError]:
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


def _ready(busy: list[Worker]) -> list[Worker]:
    """Workers with an answer, or dead. A child of a dead worker may keep its line open, hence the second look."""
    lines = wait([worker.line for worker in busy], timeout=LOOK_SECONDS)
    return [worker for worker in busy if worker.line in lines] or [worker for worker in busy if not worker.alive()]
