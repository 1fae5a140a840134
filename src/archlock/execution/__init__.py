"""The seam through which all bulk work goes: independent jobs in, results out as they come, on whatever computes."""

from archlock.execution.dask_cluster import DaskCluster
from archlock.execution.devices import (
    computed_on,
    float64_device,
    has_float64,
    kind_of,
    resolve_device,
    torch_version,
    workers_for,
)
from archlock.execution.executor import Chunk, Executor
from archlock.execution.in_process import InProcess
from archlock.execution.opening import executor_for, open_executor
from archlock.execution.process_pool import ProcessPool, one_after_another
from archlock.execution.threads import default_workers, one_thread
from archlock.execution.worker_process import workers_kept

__all__ = [
    "Chunk",
    "DaskCluster",
    "Executor",
    "InProcess",
    "ProcessPool",
    "computed_on",
    "default_workers",
    "executor_for",
    "float64_device",
    "has_float64",
    "kind_of",
    "one_after_another",
    "one_thread",
    "open_executor",
    "resolve_device",
    "torch_version",
    "workers_for",
    "workers_kept",
]
