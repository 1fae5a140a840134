"""The contract of all executors."""

import itertools
import os
import time
from collections.abc import Iterator

import pytest

import worker_jobs
from archlock.errors import ConfigurationError, RunError, UnknownNameError
from archlock.execution import Executor, InProcess
from archlock.testing.small_tasks import small_digits


class Drawn:
    """Endless jobs 0, 1, 2 ... that count how many were drawn."""

    def __init__(self) -> None:
        self.count = 0

    def __iter__(self) -> Iterator[int]:
        for job in itertools.count():
            self.count += 1
            yield job


class Grade:
    """A class that workers know only by value."""

    def __init__(self, value: int) -> None:
        self.value = value


def test_results_and_bits_are_those_of_this_process(executor: Executor, trained_here, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # what a machine of two processors would give every worker
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    task = small_digits(train=33, validation=10, test=2)
    there = list(executor.run(worker_jobs.train, task, range(5)))
    assert sorted(index for index, _ in there) == list(range(5)), "everything once"
    for index, (process, threads, losses, weights) in there:
        assert (threads, losses, weights) == (1, *trained_here[index][2:])
        assert (process == os.getpid()) == isinstance(executor, InProcess)
    assert len({weights for *_, weights in trained_here.values()}) == 5


def test_endless_jobs_are_drawn_as_they_are_needed_and_dropped_at_the_end(executor: Executor, tmp_path):
    jobs, chunk = Drawn(), 3
    running = executor.run(worker_jobs.note, tmp_path, jobs, chunk=chunk)
    assert jobs.count == 0
    found = {}
    for index, result in itertools.islice(running, 20):
        assert index not in found
        found[index] = result
        assert jobs.count <= len(found) + (2 * executor.workers + 1) * chunk
    running.close()
    assert all(result == index for index, result in found.items())
    time.sleep(0.2)
    begun = len(list(tmp_path.iterdir()))
    assert begun <= jobs.count
    time.sleep(0.2)
    assert len(list(tmp_path.iterdir())) == begun, "jobs begin although nobody wants them"
    assert list(executor.run(worker_jobs.add, 1, [1, 2, 3])), "the executor is as good as new"


@pytest.mark.parametrize("chunk", [4, 100])
def test_the_chunk_does_not_change_the_results(executor: Executor, chunk: int):
    assert sorted(executor.run(worker_jobs.add, 10, range(9), chunk=chunk)) == [(job, 10 + job) for job in range(9)]


def test_no_jobs_and_one_job(executor: Executor):
    assert list(executor.run(worker_jobs.add, 1, [])) == []
    assert list(executor.run(worker_jobs.add, 1, [1])) == [(0, 2)]


def test_an_exception_comes_out_as_it_was_and_ends_the_run(executor: Executor):
    error, found = UnknownNameError("space", "darts", ("nasbench201",)), {}
    with pytest.raises(UnknownNameError, match="unknown space 'darts'; known: nasbench201") as caught:
        found.update(executor.run(worker_jobs.complain, error, Drawn(), chunk=3))
    assert caught.value.known == ("nasbench201",)
    assert found[0] == 0, "what was computed before the error is there"


@pytest.mark.parametrize("chunk", [1, 3])
def test_an_exception_that_cannot_travel_is_told_in_words(executor: Executor, chunk: int):
    if isinstance(executor, InProcess):
        pytest.skip("nothing travels")
    with pytest.raises(RunError, match=r"job 1 raised Unreadable, which cannot travel between processes: 1 and 2"):
        list(executor.run(worker_jobs.complain_unreadably, None, range(3), chunk=chunk))


def test_shared_data_that_cannot_be_unpacked_says_so_itself(executor: Executor):
    if isinstance(executor, InProcess):
        pytest.skip("nothing travels")
    with pytest.raises(ModuleNotFoundError, match="only_here"):
        list(executor.run(worker_jobs.add, worker_jobs.Elsewhere(), range(3)))


def test_classes_and_closures_travel_by_value(executor: Executor):
    class Local(Grade):
        pass

    factor = 3
    found = dict(executor.run(lambda shared, job: Local(shared.value * job.value * factor), Local(2), [Local(5)] * 2))
    assert {type(grade) for grade in found.values()} == {Local}
    assert {grade.value for grade in found.values()} == {30}


def test_a_chunk_has_jobs(executor: Executor):
    with pytest.raises(ConfigurationError, match="a chunk has at least 1 job, not 0"):
        executor.run(worker_jobs.add, 1, [1], chunk=0)
