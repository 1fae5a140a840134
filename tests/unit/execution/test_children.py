"""Where no child processes may begin."""

import multiprocessing
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import worker_jobs
from archlock.errors import ConfigurationError, RunError
from archlock.execution import InProcess, ProcessPool, executor_for, workers_for


def in_a_pool(_: int) -> tuple[list[str], str, int, list[tuple[int, int]]]:
    """What a worker of somebody's pool gets: warnings, the kind of executor, the workers, and its results."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        executor = executor_for(2)
        found = sorted(ProcessPool(2).run(worker_jobs.add, 1, range(4)))
        workers = workers_for("cpu", 3)
    return [str(one.message) for one in caught], type(executor).__name__, workers, found


def test_inside_a_pool_everything_is_done_in_the_worker_and_that_is_said() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        ((said, kind, workers, found),) = pool.map(in_a_pool, [0])
    assert len(said) == 3
    assert all("may begin no worker processes" in line and "workers=1" in line for line in said)
    assert (kind, workers) == ("InProcess", 1)
    assert found == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_one_worker_is_no_news_inside_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # type: ignore[attr-defined]
    assert isinstance(executor_for(1), InProcess)
    assert workers_for("cuda") == 1
    with pytest.warns(RuntimeWarning, match="may begin no worker processes"):
        assert workers_for("cpu", 2) == 1


SCRIPT = """
import multiprocessing
from archlock.errors import ConfigurationError
from archlock.execution import executor_for
try:
    executor_for(2)
except ConfigurationError as error:
    print("taught:", error, flush=True)
if multiprocessing.current_process().name == "MainProcess":
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    process.join()
"""


def test_a_script_that_is_imported_again_is_taught(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("taught:")]
    assert "if __name__ == '__main__':" in line


@pytest.mark.parametrize("asked", [-1, 0, 4097, 10**30, 1.5, "2", True, None])
def test_what_is_no_number_of_workers_is_shown(asked: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"at least 1 worker process, not {asked!r}".replace("+", r"\+")):
        executor_for(asked)
    with pytest.raises(ConfigurationError, match="a whole number from 1 to 4096"):
        ProcessPool(asked)
    if asked not in (None, 0):
        with pytest.raises(ConfigurationError, match="a whole number from 1 to 4096"):
            workers_for("cpu", asked)


def test_a_number_of_numpy_is_one() -> None:
    assert workers_for("cpu", np.int64(3)) == 3  # type: ignore[arg-type]
    assert executor_for(np.int64(2)).workers == 2  # type: ignore[arg-type]


def test_where_the_system_begins_no_process_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", refused)
    with pytest.raises(RunError, match=r"no worker process could be begun \(.*unavailable\); run with --workers 1"):
        list(ProcessPool(2).run(worker_jobs.add, 1, range(4)))
