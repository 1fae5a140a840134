"""One numerical thread for a job, and how many jobs this machine takes at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def default_workers() -> int:
    """Number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread_for_good() -> None:
    """As :func:`one_thread`, to the end of a process that has only begun: what it loads later has one thread.

    So a worker whose jobs need no torch never waits for torch.
    """
    from threadpoolctl import threadpool_limits

    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    threadpool_limits(1)  # what was loaded already: as a rule, nothing


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch and BLAS compute with one thread inside, as in every worker: same job, same bits, anywhere.

    A library that is loaded inside reads its number of threads from the environment, so that says one, too.
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    variables = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    torch.set_num_threads(1)
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
