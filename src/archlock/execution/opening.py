"""Which executor: by a number of workers, or by what the user says on the command line."""

from typing import Any

from archlock.errors import ConfigurationError
from archlock.execution.children import allowed_workers
from archlock.execution.dask_cluster import DaskCluster
from archlock.execution.executor import Executor
from archlock.execution.in_process import InProcess
from archlock.execution.process_pool import ProcessPool


def executor_for(workers: int) -> Executor:
    """This process for one worker, or where it may begin no others; a pool of processes for more."""
    allowed = allowed_workers(workers)
    return InProcess() if allowed == 1 else ProcessPool(allowed)


def open_executor(cluster: str | None, *, workers: int) -> Executor:
    """What ``--cluster`` says: nothing (this machine), the address of a Dask scheduler, or ``slurm``.

    ``workers`` is the number of processes here, or of Slurm jobs; a scheduler has the workers that it has. Close the
    executor (or use it as a context manager). Raises ConfigurationError for any other text, and where Dask is missing.
    """
    if cluster is None:
        return executor_for(workers)
    if cluster == "slurm":
        return DaskCluster(_slurm(workers), ends_cluster=True, patience_seconds=float("inf"))
    if ":" not in cluster:
        raise ConfigurationError(
            f"cluster {cluster!r} is neither 'slurm' nor the address of a Dask scheduler, such as tcp://10.0.0.1:8786"
        )
    return DaskCluster(cluster)


def _slurm(workers: int) -> Any:
    """Slurm jobs as the user's Dask configuration describes them."""
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise ConfigurationError("slurm needs dask-jobqueue; run: pip install 'archlock[cluster]'") from error
    try:
        cluster = SLURMCluster()
    except ValueError as error:
        raise ConfigurationError(
            f"the section jobqueue.slurm of the Dask configuration is not complete: {error}"
        ) from error
    cluster.scale(jobs=workers)
    return cluster
