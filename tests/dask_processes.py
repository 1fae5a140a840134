"""A real Dask scheduler and real worker processes on this machine; nothing listens beyond 127.0.0.1."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60


class DaskProcesses:
    """A scheduler; its workers are started and killed by hand."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._processes = folder, []
        self.workers: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        try:
            self.address = str(self._read(file)["address"])
        except BaseException:
            self.end()
            raise

    def start_worker(self, *, threads: int = 1) -> subprocess.Popen[bytes]:
        words = (self.address, "--host", "127.0.0.1", "--nthreads", str(threads), "--no-nanny")
        self.workers.append(self._start("worker", *words, "--local-directory", str(self._folder)))
        return self.workers[-1]

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout=PATIENCE_SECONDS) as client:
            patience = time.monotonic() + PATIENCE_SECONDS
            while len(client.nthreads()) != count:
                assert time.monotonic() < patience, self.complaints()
                time.sleep(0.05)

    def end(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def complaints(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("*.log")))

    def _start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *words]
        command += ["--dashboard-address", "127.0.0.1:0"]
        path = os.pathsep.join(entry for entry in sys.path if entry)
        with (self._folder / f"{len(self._processes)}-{kind}.log").open("wb") as log:
            environment = {**os.environ, "PYTHONPATH": path}
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self._processes.append(process)
        return process

    def _read(self, file: Path) -> Any:
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return json.loads(file.read_text())
            except (FileNotFoundError, json.JSONDecodeError):
                assert time.monotonic() < patience, self.complaints()
                time.sleep(0.05)
