import itertools
import time
from collections.abc import Iterator

import pytest

import worker_jobs
from archlock.errors import ConfigurationError, RunError
from archlock.execution import DaskCluster
from archlock.testing.small_tasks import small_digits
from dask_processes import DaskProcesses


@pytest.fixture
def mortal(tmp_path) -> Iterator[DaskProcesses]:
    """A scheduler of its own, for a test that kills workers."""
    processes = DaskProcesses(tmp_path)
    yield processes
    processes.end()


def test_shared_data_is_sent_once_and_taken_away_at_the_end(dask_processes: DaskProcesses):
    from distributed import Client

    with Client(dask_processes.address, set_as_default=False) as client, DaskCluster(client) as cluster:
        assert cluster.workers == 2
        running = cluster.run(worker_jobs.add, 1, iter(int, 1))
        next(running)
        plugins = client.run(lambda dask_worker: [n for n in dask_worker.plugins if n.startswith("archlock-")])
        assert [len(names) for names in plugins.values()] == [1, 1]
        running.close()
        plugins = client.run(lambda dask_worker: [n for n in dask_worker.plugins if n.startswith("archlock-")])
        assert list(plugins.values()) == [[], []]
        cluster.close()
        assert client.status == "running", "a client that was given stays connected"


def test_a_killed_worker_loses_nothing_and_new_workers_have_the_shared_data(mortal: DaskProcesses):
    first, _ = mortal.start_worker(), mortal.start_worker()
    mortal.wait_for_workers(2)
    found = []
    with DaskCluster(mortal.address) as cluster:
        for index, result in cluster.run(worker_jobs.add_slowly, 100, range(60), chunk=2):
            found.append((index, result))
            if len(found) == 10:
                first.kill()
                mortal.start_worker()
    assert sorted(found) == [(job, 100 + job) for job in range(60)], "everything once"
    mortal.wait_for_workers(2)


def test_a_worker_with_threads_takes_one_job_at_a_time(mortal: DaskProcesses, trained_here):
    mortal.start_worker(threads=3)
    mortal.wait_for_workers(1)
    task = small_digits(train=33, validation=10, test=2)
    with DaskCluster(mortal.address) as cluster:
        assert cluster.workers == 1
        there = dict(cluster.run(worker_jobs.train, task, range(4)))
        assert {i: found[2:] for i, found in there.items()} == {i: trained_here[i][2:] for i in range(4)}
        assert {threads for _, threads, *_ in there.values()} == {1}
        times = sorted(result for _, result in cluster.run(worker_jobs.interval, None, range(6)))
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))


def test_jobs_that_kill_and_a_cluster_without_workers_are_told_in_words(mortal: DaskProcesses):
    told = rf"no workers for 1 seconds; start some with: dask worker {mortal.address} --nthreads 1"
    with DaskCluster(mortal.address, patience_seconds=1) as cluster, pytest.raises(RunError, match=told):
        next(cluster.run(worker_jobs.add, 1, [1, 2]))
    for _ in range(4):
        mortal.start_worker()
    mortal.wait_for_workers(4)
    with (
        DaskCluster(mortal.address) as cluster,
        pytest.raises(
            RunError, match=r"job 5 was under way in 4 Dask workers that were lost, most likely for want of memory"
        ),
    ):
        list(cluster.run(worker_jobs.perish_at_five, None, [0, 0, 0, 0, 0, 5]))


def test_a_scheduler_that_goes_away_is_told_in_words(mortal: DaskProcesses):
    mortal.start_worker()
    mortal.wait_for_workers(1)
    with DaskCluster(mortal.address, patience_seconds=1) as cluster:
        running = cluster.run(worker_jobs.add_slowly, 1, iter(int, 1))
        next(running)
        mortal.end()
        with pytest.raises(RunError, match=r"the Dask scheduler"):
            list(running)


def test_nobody_answers(dask_processes: DaskProcesses):
    began = time.monotonic()
    with pytest.raises(RunError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9 within 1 seconds"):
        DaskCluster("tcp://127.0.0.1:9", patience_seconds=1)
    assert time.monotonic() - began < 10
    with pytest.raises(ConfigurationError, match=r"carrier://pigeon:1 is not the address of a Dask scheduler"):
        DaskCluster("carrier://pigeon:1")
