"""Work for the tests of ``run_jobs``: it must be importable in a worker process."""

import os
import signal
import time
from pathlib import Path

import torch
from threadpoolctl import threadpool_info

from archlock.models import build
from archlock.spaces import Architecture
from archlock.tasks import Task
from archlock.training import Plan, fit


def train(task: Task, seed: int) -> tuple[int, int, tuple[float, ...], bytes]:
    """Who worked, with how many threads at most, and the outcome of a training."""
    model = build(Architecture("nasbench201", "314321"), task.signature, width=4, depth=1, seed=seed)
    trained = fit(model, task, Plan(1, batch_size=16), seed=seed)
    weights = b"".join(value.numpy().tobytes() for value in trained.model.state_dict().values())
    threads = [torch.get_num_threads(), *(library["num_threads"] for library in threadpool_info())]
    return os.getpid(), max(threads), trained.losses, weights


def complain(error: Exception, job: int) -> int:
    """Raise the shared error in job 1."""
    if job == 1:
        raise error
    return job


def perish(_: None, job: int) -> int:
    """Be killed."""
    os.kill(os.getpid(), signal.SIGKILL)
    return job


def linger(folder: Path, job: int) -> int:
    """Say who works, then take a minute."""
    (folder / f"{job}.pid").write_text(str(os.getpid()))
    time.sleep(60)
    return job
