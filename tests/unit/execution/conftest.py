from collections.abc import Iterator

import pytest

import worker_jobs
from archlock.execution import DaskCluster, Executor, InProcess, ProcessPool
from archlock.testing.small_tasks import small_digits
from dask_processes import DaskProcesses


@pytest.fixture(scope="session")
def dask_processes(tmp_path_factory) -> Iterator[DaskProcesses]:
    """A scheduler with two workers, for tests that leave them alive."""
    processes = DaskProcesses(tmp_path_factory.mktemp("dask"))
    try:
        for _ in range(2):
            processes.start_worker()
        processes.wait_for_workers(2)
        yield processes
    finally:
        processes.end()


@pytest.fixture(params=["in_process", "process_pool", "dask_cluster"])
def executor(request) -> Iterator[Executor]:
    """Every executor; two workers where there can be two."""
    if request.param == "in_process":
        yield InProcess()
    elif request.param == "process_pool":
        yield ProcessPool(2)
    else:
        with DaskCluster(request.getfixturevalue("dask_processes").address) as cluster:
            yield cluster


@pytest.fixture(scope="session")
def trained_here() -> dict[int, tuple[int, int, tuple[float, ...], bytes]]:
    """What five trainings come to in this process."""
    return dict(InProcess().run(worker_jobs.train, small_digits(train=33, validation=10, test=2), range(5)))
