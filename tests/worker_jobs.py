"""Work for the tests of executors: it must be importable in a worker process."""

import os
import signal
import time
from pathlib import Path

from archlock.spaces import Architecture
from archlock.tasks import Task


def train(task: Task, seed: int) -> tuple[int, int, tuple[float, ...], bytes]:
    """Who worked, with how many threads at most, and the outcome of a training."""
    import torch
    from threadpoolctl import threadpool_info

    from archlock.models import build
    from archlock.training import Plan, fit

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


def linger(folder: Path, job: int) -> int:
    """Say who works, then take a minute."""
    (folder / f"{job}.pid").write_text(str(os.getpid()))
    time.sleep(60)
    return job


def add(shared: int, job: int) -> int:
    """The sum."""
    return shared + job


def note(folder: Path, job: int) -> int:
    """Leave a file that says that the job began, and take a moment."""
    (folder / f"{job}.begun").touch()
    time.sleep(0.01)
    return job


def perish_once(folder: Path, job: int) -> int:
    """Be killed at the first attempt at job 3; leave a file for every attempt at any job."""
    attempts = len(list(folder.glob(f"{job}-*")))
    (folder / f"{job}-{attempts}").touch()
    time.sleep(0.02)
    if job == 3 and attempts == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return job * job


def perish_at_five(_: None, job: int) -> int:
    """Be killed whenever it is job 5."""
    if job == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def leave_a_child(folder: Path, job: int) -> int:
    """Be killed, survived by a child that holds on to everything that was open."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    (folder / str(child)).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return job


def who(_: None, job: int) -> int:
    """The process that works."""
    return os.getpid()


class Unreadable(Exception):
    """An exception that pickle can write and cannot read."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


def complain_unreadably(_: None, job: int) -> int:
    """Raise it in job 1."""
    if job == 1:
        raise Unreadable(1, 2)
    return job


class Elsewhere:
    """Data that can be packed but not unpacked."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return __import__, ("only_here",)


def add_slowly(shared: int, job: int) -> int:
    """The sum, after a moment."""
    time.sleep(0.05)
    return shared + job


def interval(_: None, job: int) -> tuple[float, float]:
    """When the job began and ended, by one clock."""
    began = time.monotonic()
    time.sleep(0.02)
    return began, time.monotonic()
