"""Jobs on many machines: the workers of a Dask scheduler (https://distributed.dask.org).

Work and shared data go to every worker once, by a worker plugin, so that workers which join or begin again later have
them, too. A worker that is lost costs what it had under way: Dask gives that to others, until so many workers were lost
over it as the scheduler allows (``distributed.scheduler.allowed-failures``, 3 unless configured). A worker runs one job
at a time whatever its number of threads; start workers with ``--nthreads 1``. Workers need the same versions of
ArchLock, torch and NumPy as this process for the same bits. Not for: clusters that strangers can reach, since a
scheduler has its workers run whatever it is sent.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from itertools import islice
from typing import Any, Final

import cloudpickle

from archlock.errors import ConfigurationError, RunError
from archlock.execution.executor import Chunk, Executor, J, R, S
from archlock.execution.worker_side import answered

_CONNECT_SECONDS: Final = 30.0
_COUNT_SECONDS: Final = 1.0
_AHEAD: Final = 2
"""Chunks that are sent ahead, for each worker."""


class DaskCluster(Executor):
    """The workers of a scheduler, given by its address, a Dask cluster object or a Dask client.

    A run waits ``patience_seconds`` for a worker where there is none, then raises
    :class:`~archlock.errors.RunError`. Close it to disconnect (a client that was given stays connected);
    ``ends_cluster`` closes the cluster object, too. Raises RunError if no scheduler answers.
    """

    def __init__(self, scheduler: Any, *, ends_cluster: bool = False, patience_seconds: float = 60.0) -> None:
        client_type = _client_type()
        self._patience_seconds = patience_seconds
        self._is_borrowed = isinstance(scheduler, client_type)
        self._cluster = scheduler if ends_cluster else None
        self._client = scheduler if self._is_borrowed else _connected(client_type, scheduler, patience_seconds)
        self._count, self._counted_at, self._staffed_at = 0, -_COUNT_SECONDS, time.monotonic()

    @property
    def workers(self) -> int:
        """Number of workers now; at least 1, for some may be on their way."""
        return max(1, self._present())

    def close(self) -> None:
        """Disconnect from the scheduler."""
        if not self._is_borrowed:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def run_chunks(self, work: Callable[[S, J], R], shared: S, chunks: Iterator[Chunk[J]]) -> Iterator[tuple[int, R]]:
        """See :meth:`Executor.run_chunks`."""
        from distributed import as_completed

        from archlock.execution.dask_worker import StationPlugin, perform

        run = f"archlock-{uuid.uuid4().hex}"
        under_way: dict[Any, Chunk[J]] = {}
        completed = as_completed(loop=self._client.loop, with_results=True, raise_errors=False)
        self._staffed_at = time.monotonic()
        self._client.register_plugin(StationPlugin(cloudpickle.dumps((work, shared))), name=run)
        try:
            while True:
                for chunk in islice(chunks, max(0, _AHEAD * self.workers - len(under_way))):
                    parcel = cloudpickle.dumps(chunk)
                    future = self._client.submit(perform, run, parcel, key=f"{run}-{chunk.first}", pure=False)
                    under_way[future] = chunk
                    completed.add(future)
                if not under_way:
                    return
                future, answer = self._next(completed)
                chunk = under_way.pop(future)
                if not isinstance(answer, bytes):
                    raise _error_of(chunk, answer)
                yield from answered(chunk.first, answer)
        finally:
            with suppress(OSError, TimeoutError, CancelledError):  # of a scheduler that is gone
                self._client.cancel(list(under_way))
                self._client.unregister_worker_plugin(run)

    def _next(self, completed: Any) -> tuple[Any, Any]:
        while not completed.has_ready():
            if self._client.status != "running":
                raise RunError(f"the connection to the Dask scheduler was lost (it is {self._client.status})")
            if not self._present() and time.monotonic() - self._staffed_at > self._patience_seconds:
                raise RunError(
                    f"the Dask scheduler has had no workers for {self._patience_seconds:.0f} seconds; start some with: "
                    f"dask worker {self._client.scheduler.address} --nthreads 1"
                )
            with completed.thread_condition:
                completed.thread_condition.wait(timeout=0.1)
        found: tuple[Any, Any] = next(completed)
        return found

    def _present(self) -> int:
        """How many workers there are; asked at most once a second."""
        now = time.monotonic()
        if now - self._counted_at >= _COUNT_SECONDS:
            self._counted_at = now
            with suppress(OSError):  # it connects again, or its status says that it does not
                self._count = len(self._client.nthreads())
        if self._count:
            self._staffed_at = now
        return self._count


def _client_type() -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigurationError("clusters need Dask; run: pip install 'archlock[cluster]'") from error
    return Client


def _connected(client_type: Any, scheduler: Any, patience_seconds: float) -> Any:
    seconds = min(_CONNECT_SECONDS, patience_seconds)
    try:
        return client_type(scheduler, timeout=seconds, set_as_default=False)
    except OSError as error:
        raise RunError(
            f"no Dask scheduler answers at {scheduler} within {seconds:.0f} seconds; start one with `dask scheduler`, "
            "and look for firewalls"
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{scheduler} is not the address of a Dask scheduler: {error}") from error


def _error_of(chunk: Chunk[Any], answer: Any) -> BaseException:
    """What to raise for a chunk that has no answer: Dask gave it up, or something failed outside the jobs."""
    from distributed import KilledWorker

    error = answer[1] if isinstance(answer, tuple) else answer
    if isinstance(error, KilledWorker):
        return RunError(
            f"{chunk} was under way in {error.allowed_failures + 1} Dask workers that were lost, most likely for want "
            "of memory; give workers more memory, or start fewer on a machine"
        )
    if isinstance(error, CancelledError):
        return RunError(f"{chunk} was cancelled by the Dask scheduler, which was stopped or restarted: {error}")
    return error if isinstance(error, BaseException) else RunError(f"{chunk} has no answer but {answer!r}")
