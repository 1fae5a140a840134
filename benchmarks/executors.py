"""What the engine costs per job on every executor, and how busy it keeps two workers.

    python benchmarks/executors.py [--json FILE] [--jobs 200] [--seconds 10] [--repeats 3]

Jobs do nothing, or about 20 ms of matrix products (NumPy) and convolutions (torch); they go one by one and in chunks of
16. Every job tells how long it took by itself. The cost on one worker is the time from the first result to the last
that no job accounts for; the ratio is that whole time to the time of the jobs, which is what a bare loop would take.
Two workers of the pool and of Dask are compared with one process: ``speed-up`` by the clock, which needs two idle
processors (and counts up to a chunk too much, for one was under way when the clock started), and ``busy``, the share of
the workers' time that was spent in jobs, which a shared machine disturbs less.
Beginning and ending processes is apart: the clock starts when all workers give results. Repeats take turns; figures are
medians. A scheduler and its worker processes are started on 127.0.0.1, and ended.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from archlock.execution import DaskCluster, Executor, InProcess, ProcessPool, one_thread

CHUNKS = (1, 16)
MATRIX = np.random.default_rng(0).random((300, 300))
IMAGES, KERNEL = torch.rand(8, 16, 32, 32), torch.rand(16, 16, 3, 3)


def main() -> None:
    """Time, print, and write the figures."""
    arguments = _arguments()
    with one_thread():
        rounds = _rounds_of_20_ms()
    costs, gains = [], []
    for chunk in CHUNKS:
        with _dask(1) as dask:
            for name, executor in (("in process", InProcess()), ("pool", ProcessPool(1)), ("dask", dask)):
                for what, work_rounds, count in (
                    ("nothing", 0, 10 * arguments.jobs),
                    ("20 ms", rounds, arguments.jobs),
                ):
                    found = [_timed(executor, work_rounds, count, chunk) for _ in range(arguments.repeats)]
                    costs.append({"executor": name, "job": what, "chunk": chunk} | _cost(found, count))
                    print(_cost_line(costs[-1]), flush=True)
    jobs = max(64, round(50 * arguments.seconds))
    for chunk in CHUNKS:
        with _dask(2) as dask:
            for name, executor in (("pool", ProcessPool(2)), ("dask", dask)):
                pairs = [
                    (_timed(InProcess(), rounds, jobs, 1), _timed(executor, rounds, jobs, chunk))
                    for _ in range(arguments.repeats)
                ]
                gains.append({"executor": name, "workers": 2, "chunk": chunk, "jobs": jobs} | _gain(pairs))
                print(_gain_line(gains[-1]), flush=True)
    if arguments.json:
        settings = {name: value for name, value in vars(arguments).items() if name != "json"}
        settings |= {"rounds": rounds, "processors": os.cpu_count()}
        arguments.json.write_text(json.dumps({"settings": settings, "costs": costs, "gains": gains}, indent=2) + "\n")


def matrices(rounds: int, job: int) -> tuple[float, float]:
    """A job of so many rounds: when it began and ended, by the clock that all processes of a machine share."""
    began = time.monotonic()
    total = float(job)
    for _ in range(rounds):
        total += float((MATRIX @ MATRIX).trace()) + float(F.conv2d(IMAGES, KERNEL, padding=1).mean())
    return began, time.monotonic()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=200, help="jobs of 20 ms for a cost; ten times as many of nothing")
    parser.add_argument("--seconds", type=float, default=10, help="work for a gain")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def _rounds_of_20_ms() -> int:
    matrices(20, 0)
    began, ended = matrices(50, 0)
    return max(1, round(0.02 * 50 / (ended - began)))


def _timed(executor: Executor, rounds: int, jobs: int, chunk: int) -> tuple[float, float]:
    """Seconds to the last of so many results, and seconds of them in jobs, from when every worker was at work."""
    before = chunk * (4 if executor.workers == 1 else 40)  # one of two processes may be ready long before the other
    running = executor.run(matrices, rounds, range(before + jobs), chunk=chunk)
    for _ in islice(running, before):
        pass
    start = time.monotonic()
    times = [found for _, found in islice(running, jobs)]
    elapsed = time.monotonic() - start
    running.close()
    if len(times) != jobs:
        raise RuntimeError(f"{len(times)} results of {jobs} jobs")
    return elapsed, sum(max(0.0, ended - max(start, began)) for began, ended in times)


def _cost(found: list[tuple[float, float]], jobs: int) -> dict[str, float]:
    return {
        "job_ms": 1000 * statistics.median(inside for _, inside in found) / jobs,
        "cost_ms": 1000 * statistics.median(elapsed - inside for elapsed, inside in found) / jobs,
        "ratio": statistics.median(elapsed / inside for elapsed, inside in found),
    }


def _gain(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> dict[str, float]:
    return {
        "one_process_seconds": statistics.median(alone for (alone, _), _ in pairs),
        "seconds": statistics.median(elapsed for _, (elapsed, _) in pairs),
        "speed_up": statistics.median(alone / elapsed for (alone, _), (elapsed, _) in pairs),
        "busy": statistics.median(inside / (2 * elapsed) for _, (elapsed, inside) in pairs),
    }


def _cost_line(row: dict[str, object]) -> str:
    return (
        f"{row['executor']:10} chunk {row['chunk']:2}  jobs of {row['job']:8} {row['job_ms']:8.4f} ms  "
        f"cost {row['cost_ms']:8.4f} ms a job  ratio {row['ratio']:9.3f}"
    )


def _gain_line(row: dict[str, object]) -> str:
    return (
        f"{row['executor']:10} chunk {row['chunk']:2} {row['jobs']} jobs  alone {row['one_process_seconds']:5.2f} s"
        f"  2 workers {row['seconds']:6.2f} s  speed-up {row['speed_up']:5.2f}  busy {row['busy']:6.1%}"
    )


@contextmanager
def _dask(workers: int) -> Iterator[DaskCluster]:
    """A scheduler and worker processes of one thread, on this machine only."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        here = ["--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        processes = [_dask_process(folder, "scheduler", "--port", "0", "--scheduler-file", str(file), *here)]
        try:
            while not file.exists() or not file.read_text().endswith("}"):
                time.sleep(0.1)
            address = json.loads(file.read_text())["address"]
            words = (address, "--nthreads", "1", "--no-nanny", "--local-directory", folder, *here)
            processes += [_dask_process(folder, "worker", *words) for _ in range(workers)]
            with DaskCluster(address) as cluster:
                while cluster.workers < workers:
                    time.sleep(0.1)
                yield cluster
        finally:
            for process in reversed(processes):
                process.kill()
                process.wait()


def _dask_process(folder: str, kind: str, *words: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words]
    with (Path(folder) / "log").open("ab") as log:
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=log)


if __name__ == "__main__":
    main()
