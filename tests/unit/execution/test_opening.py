import subprocess
import sys
import types

import pytest

import worker_jobs
from archlock.errors import ConfigurationError
from archlock.execution import DaskCluster, InProcess, ProcessPool, executor_for, open_executor


def test_the_number_of_workers_says_where():
    assert isinstance(executor_for(1), InProcess)
    assert isinstance(open_executor(None, workers=1), InProcess)
    pool = open_executor(None, workers=3)
    assert isinstance(pool, ProcessPool)
    assert pool.workers == 3
    with pytest.raises(ConfigurationError, match="at least 1 worker process, not 0"):
        executor_for(0)


def test_an_address_is_a_scheduler(dask_processes):
    for address in (dask_processes.address, dask_processes.address.removeprefix("tcp://")):
        with open_executor(address, workers=1) as executor:
            assert isinstance(executor, DaskCluster)
            assert list(executor.run(worker_jobs.add, 1, [1])) == [(0, 2)]


def test_any_other_text_is_refused():
    with pytest.raises(ConfigurationError, match=r"cluster 'pbs' is neither 'slurm' nor the address .* tcp://10.0.0.1"):
        open_executor("pbs", workers=2)


@pytest.mark.parametrize(
    ("module", "cluster", "words"),
    [("dask_jobqueue", "slurm", "slurm needs dask-jobqueue"), ("distributed", "tcp://h:1", "clusters need Dask")],
)
def test_what_is_not_installed_is_named(monkeypatch, module: str, cluster: str, words: str):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=rf"{words}; run: pip install 'archlock\[cluster\]'"):
        open_executor(cluster, workers=2)


def test_slurm_without_a_configuration_is_told_in_words(monkeypatch):
    def unconfigured() -> None:
        raise ValueError("You must specify how much cores to use per job")

    monkeypatch.setitem(sys.modules, "dask_jobqueue", types.SimpleNamespace(SLURMCluster=unconfigured))
    with pytest.raises(ConfigurationError, match=r"jobqueue.slurm of the Dask configuration is not complete: .* cores"):
        open_executor("slurm", workers=2)


def test_slurm_jobs_are_as_many_as_workers_and_end_with_the_executor(monkeypatch):
    from distributed import LocalCluster

    class SlurmOnThisMachine(LocalCluster):
        """A real cluster with the two calls of SLURMCluster that we make: Slurm itself cannot run in a test."""

        def __init__(self) -> None:
            super().__init__(n_workers=0, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0")

        def scale(self, n: int = 0, *, jobs: int = 0) -> None:
            super().scale(n or jobs)

    made = []
    monkeypatch.setitem(
        sys.modules,
        "dask_jobqueue",
        types.SimpleNamespace(SLURMCluster=lambda: made.append(SlurmOnThisMachine()) or made[-1]),
    )
    with open_executor("slurm", workers=2) as executor:
        assert sorted(executor.run(worker_jobs.add, 1, range(3))) == [(0, 1), (1, 2), (2, 3)]
        assert executor.workers == 2
    assert made[0].status.name == "closed"


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, archlock.execution; print({'torch', 'dask', 'distributed', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
