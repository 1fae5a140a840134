import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import worker_jobs
from archlock.errors import ConfigurationError, RunError
from archlock.execution import InProcess, ProcessPool, one_after_another, workers_kept
from archlock.execution.process_pool import TOGETHER
from second_process import start


@pytest.mark.parametrize("chunk", [1, 4])
def test_a_worker_that_is_killed_costs_only_what_it_had_under_way(tmp_path, chunk: int):
    found = list(ProcessPool(2).run(worker_jobs.perish_once, tmp_path, range(12), chunk=chunk))
    assert sorted(found) == [(job, job * job) for job in range(12)]
    attempts = {job: len(list(tmp_path.glob(f"{job}-*"))) for job in range(12)}
    again = {job for job, count in attempts.items() if count == 2}
    assert again == ({3} if chunk == 1 else {0, 1, 2, 3})
    assert set(attempts.values()) == {1, 2}


@pytest.mark.parametrize("chunk", [1, 4])
def test_a_job_that_always_kills_its_worker_is_given_up_by_name(chunk: int):
    found = {}
    with pytest.raises(
        RunError,
        match=r"job 5 was under way in 3 worker processes that were killed \(the last by SIGKILL\), most likely for "
        "want of memory; run again with fewer than 2 workers",
    ):
        found.update(ProcessPool(2).run(worker_jobs.perish_at_five, None, range(1000), chunk=chunk))
    assert {0, 1, 2, 3} <= set(found), "its neighbours are done"
    assert all(index == result != 5 for index, result in found.items())


def test_the_children_of_a_dead_worker_do_not_hide_its_death(tmp_path):
    with pytest.raises(RunError, match="job 0 was under way in 3 worker processes"):
        list(ProcessPool(1).run(worker_jobs.leave_a_child, tmp_path, range(2)))
    children = list(tmp_path.iterdir())
    for file in children:
        os.kill(int(file.name), signal.SIGKILL)
    assert len(children) == 3, "one of each worker that was killed over the job"


def test_a_single_job_needs_no_process():
    assert list(ProcessPool(2).run(worker_jobs.who, None, range(1))) == [(0, os.getpid())]
    assert os.getpid() not in {found for _, found in ProcessPool(2).run(worker_jobs.who, None, range(3))}


def processes_of(jobs: int) -> set[int]:
    return {found for _, found in ProcessPool(2).run(worker_jobs.who, None, range(jobs))}


def test_inside_workers_kept_a_run_takes_over_the_processes_of_the_one_before():
    with workers_kept():
        first = processes_of(8)
        assert processes_of(8) <= first
        with workers_kept():
            assert processes_of(8) <= first
        assert processes_of(8) <= first, "the inner one ended nothing"
        alone = {pid for pid, _ in one_after_another(lambda shared, job: (os.getpid(), job), None, range(3))}
        assert not alone & first, "who is to have done nothing before is begun anew"
        victim = next(iter(first))
        os.kill(victim, signal.SIGKILL)
        time.sleep(0.2)
        assert victim not in processes_of(8)
    assert not multiprocessing.active_children()
    assert not processes_of(8) & first


def test_kept_workers_take_other_work_and_pass_on_errors():
    with workers_kept():
        assert sorted(ProcessPool(2).run(lambda shared, job: shared + job, 10, range(4))) == list(
            enumerate(range(10, 14))
        )
        with pytest.raises(ZeroDivisionError):
            list(ProcessPool(2).run(lambda shared, job: shared / job, 1, range(4)))
        assert sorted(ProcessPool(2).run(lambda shared, job: shared * job, 3, range(4))) == [
            (n, 3 * n) for n in range(4)
        ]
        held = ProcessPool(2).run(lambda shared, job: shared * job, 3, range(40))
        next(held)
        held.close()  # closed with something under way
        assert sorted(ProcessPool(2).run(lambda shared, job: shared - job, 3, range(4))) == [
            (n, 3 - n) for n in range(4)
        ]
    assert not multiprocessing.active_children()


def test_jobs_one_after_another_have_a_process_each_and_errors_their_own_type():
    found = list(one_after_another(lambda shared, job: (os.getpid(), shared + job), 10, range(TOGETHER + 2)))
    assert [result for _, result in found] == list(range(10, 12 + TOGETHER))
    assert len({process for process, _ in found} | {os.getpid()}) == TOGETHER + 3
    with pytest.raises(ZeroDivisionError):
        list(one_after_another(lambda shared, job: shared / job, 1, [0]))


def test_jobs_one_after_another_are_never_two_at_once(tmp_path):
    def alone(folder: Path, job: int) -> int:
        begun = folder / "begun"
        begun.touch(exist_ok=False)
        time.sleep(0.1)
        begun.unlink()
        return job

    assert list(one_after_another(alone, tmp_path, range(3))) == [0, 1, 2]


def test_a_job_alone_whose_worker_is_killed_is_done_again(tmp_path):
    assert list(one_after_another(worker_jobs.perish_once, tmp_path, range(4))) == [0, 1, 4, 9]
    assert [len(list(tmp_path.glob(f"{job}-*"))) for job in range(4)] == [1, 1, 1, 2]


def test_this_process_begins_a_job_only_when_it_is_asked_for(tmp_path):
    running = InProcess().run(worker_jobs.note, tmp_path, range(5), chunk=5)
    assert next(running) == (0, 0)
    assert [file.name for file in tmp_path.iterdir()] == ["0.begun"]


def test_a_pool_has_workers():
    assert ProcessPool(3).workers == 3
    assert InProcess().workers == 1
    with pytest.raises(ConfigurationError, match="a pool has at least 1 worker process, not 0"):
        ProcessPool(0)


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
from archlock.execution import ProcessPool
list(ProcessPool(2).run(worker_jobs.linger, Path(sys.argv[1]), range(2)))
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
from archlock.execution import ProcessPool

class Scale:
    def __init__(self, factor):
        self.factor = factor

def work(shared, job):
    return shared.factor * job

print("the script runs")
print(sorted(ProcessPool(2).run(work, Scale(3), range(5))))
held = ProcessPool(2).run(work, Scale(1), iter(int, 1))
print(next(held)[1], "and the rest is not asked for")
"""


def test_a_script_needs_no_guard_may_define_the_work_and_ends_with_a_run_under_way(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    results = "[(0, 0), (1, 3), (2, 6), (3, 9), (4, 12)]"
    assert done.stdout == f"the script runs\n{results}\n0 and the rest is not asked for\n", done.stderr
