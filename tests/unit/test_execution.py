import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info

import worker_jobs
from archlock.errors import RunError, UnknownNameError
from archlock.execution import default_workers, one_thread, run_jobs
from archlock.testing.small_tasks import small_digits
from second_process import start


class Watched(Sequence):
    """Jobs that count how many of them were asked for."""

    def __init__(self, jobs):
        self.jobs, self.asked = jobs, 0

    def __len__(self):
        return len(self.jobs)

    def __getitem__(self, index):
        job = self.jobs[index]
        self.asked = max(self.asked, index + 1)
        return job


def test_results_do_not_depend_on_the_workers_nor_on_their_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # what a machine of two processors would give every worker
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    task, seeds = small_digits(train=33, validation=10, test=2), Watched(range(9))
    here = dict(run_jobs(worker_jobs.train, task, range(9), workers=1))
    there = {}
    for index, result in run_jobs(worker_jobs.train, task, seeds, workers=2):
        there[index] = result
        assert seeds.asked <= len(there) + 2 * 2, "too many jobs were submitted ahead"
    assert sorted(there) == sorted(here) == list(range(9))
    for index, (_, threads, losses, weights) in here.items():
        assert (threads, losses, weights) == (1, *there[index][2:])
        assert there[index][1] == 1
    assert {result[0] for result in here.values()} == {os.getpid()}
    assert os.getpid() not in {result[0] for result in there.values()}
    assert len({result[3] for result in here.values()}) == 9


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_comes_out_as_it_was(workers):
    error = UnknownNameError("space", "darts", ("nasbench201",))
    with pytest.raises(UnknownNameError, match="unknown space 'darts'; known: nasbench201"):
        list(run_jobs(worker_jobs.complain, error, range(100), workers=workers))


def test_a_killed_worker_is_told_in_words():
    with pytest.raises(RunError, match=r"one of 2 worker processes was killed .* run again with fewer workers"):
        list(run_jobs(worker_jobs.perish, None, range(3), workers=2))


def test_no_jobs():
    assert list(run_jobs(worker_jobs.complain, None, [], workers=2)) == []


def test_one_worker_begins_a_job_only_when_asked():
    jobs = Watched(range(5))
    running = run_jobs(worker_jobs.complain, ValueError("job 1 failed"), jobs, workers=1)
    assert next(running) == (0, 0)
    assert jobs.asked == 1
    with pytest.raises(ValueError, match="job 1 failed"):
        next(running)


def test_one_thread_is_for_a_while():
    before = torch.get_num_threads(), [library["num_threads"] for library in threadpool_info()]
    with one_thread():
        assert torch.get_num_threads() == 1
        assert {library["num_threads"] for library in threadpool_info()} == {1}
    assert before == (torch.get_num_threads(), [library["num_threads"] for library in threadpool_info()])


def test_default_workers_are_processors():
    assert 1 <= default_workers() <= os.cpu_count()


def alive(process_id: int) -> bool:
    """Whether the process runs; one that ended and was not collected yet does not."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process_id}/stat")
    try:
        return not status.parent.parent.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_end_when_their_parent_is_killed(tmp_path):
    code = """
from pathlib import Path
import worker_jobs
from archlock.execution import run_jobs
list(run_jobs(worker_jobs.linger, Path(sys.argv[1]), range(2), workers=2))
"""
    parent = start(code, tmp_path)
    files = [tmp_path / f"{job}.pid" for job in range(2)]
    patience = time.monotonic() + 120
    while not all(file.exists() and file.read_text() for file in files):
        assert parent.poll() is None, parent.stderr.read()
        assert time.monotonic() < patience
        time.sleep(0.05)
    workers = [int(file.read_text()) for file in files]
    assert all(map(alive, workers))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    patience = time.monotonic() + 20
    while any(map(alive, workers)):
        assert time.monotonic() < patience, "workers outlive their parent"
        time.sleep(0.05)
    parent.communicate()


SCRIPT = """
from archlock.execution import run_jobs

class Scale:
    def __init__(self, factor):
        self.factor = factor

def work(shared, job):
    return shared.factor * job

print("the script runs")
print(sorted(run_jobs(work, Scale(3), list(range(5)), workers=2)))
"""


def test_a_script_needs_no_guard_and_may_define_the_work(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.stdout == "the script runs\n[(0, 0), (1, 3), (2, 6), (3, 9), (4, 12)]\n", done.stderr
