"""The seam through which all bulk work goes: independent jobs in, results out as they come.

Jobs run with one numerical thread each, in this process or in a pool of worker processes, so the result of a job does
not depend on how many workers there are. ``shared`` is what every job needs (data sets, say): it is sent to each worker
once. Work and shared data may be defined in the user's own script: they travel by value (cloudpickle), and workers do
not run the script again, so it needs no ``if __name__ == "__main__"``. Workers that lose their parent end by
themselves. Not for: many machines (another engine fits behind the same function).
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeVar

import cloudpickle

from archlock.errors import RunError

S = TypeVar("S")
J = TypeVar("J")
R = TypeVar("R")

_work: Any = None
_shared: Any = None
_life: Final = ExitStack()
"""What a worker process holds on to until it ends."""


def default_workers() -> int:
    """Number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_jobs(work: Callable[[S, J], R], shared: S, jobs: Sequence[J], *, workers: int) -> Iterator[tuple[int, R]]:
    """Yield ``(index of the job, work(shared, job))`` in the order in which jobs end.

    An exception in a job is raised here, when its turn comes; jobs not yet begun
    are then dropped. With one worker everything runs in this process. A worker that is killed raises
    :class:`~archlock.errors.RunError`.
    """
    if workers <= 1 or len(jobs) <= 1:
        with one_thread():
            for index, job in enumerate(jobs):
                yield index, work(shared, job)
        return
    context = multiprocessing.get_context("spawn")
    parcel = cloudpickle.dumps((work, shared))
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_begin_worker, initargs=(parcel,))
    try:
        waiting: dict[Future[R], int] = {}
        ahead = iter(enumerate(jobs))
        exhausted = False
        while waiting or not exhausted:
            while not exhausted and len(waiting) < 2 * workers:
                try:
                    index, job = next(ahead)
                except StopIteration:
                    exhausted = True
                    break
                with _script_left_alone():
                    waiting[pool.submit(_call, job)] = index
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
    except BrokenProcessPool as error:
        raise RunError(
            f"one of {workers} worker processes was killed in the middle of its work, most likely for want of memory; "
            "run again with fewer workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch and BLAS compute with one thread inside, as in every worker: same job, same bits, anywhere."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


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


def _begin_worker(parcel: bytes) -> None:
    global _work, _shared
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    _life.enter_context(one_thread())  # the variables are for libraries that a job loads later
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _work, _shared = cloudpickle.loads(parcel)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _call(job: Any) -> Any:
    return _work(_shared, job)
