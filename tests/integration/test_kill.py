"""Killed at any moment, the same command takes a run up, loses nothing, and ends with the same answer."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archlock.errors import StoreError
from archlock.evidence import EvidenceStore, Key, Measurement
from archlock.records import read_json
from archlock.tasks import save_task
from tiny_runs import tiny_source

LOCK = """
import sys
from pathlib import Path
from archlock.recipes import lock
from archlock.recipes.workspace import PLAN
from archlock.tasks import load_task
from tiny_runs import tiny_begin, tiny_config
out = Path(sys.argv[2])
if not (out / PLAN).exists():
    tiny_begin(out, tiny_config(space="transnas101_micro"))
lock(load_task(Path(sys.argv[1])), tiny_config(space="transnas101_micro"), out=out, workers=int(sys.argv[3]))
"""
VOLATILE = {"seconds", "trial_seconds", "created", "command", "spent_seconds"}
Evidence = dict[Key, Measurement]


class Killed:
    """A run in a process group of its own."""

    def __init__(self, task: Path, out: Path, *, workers: int = 1) -> None:
        self.out = out
        path = [entry for entry in sys.path if entry]
        code = f"import sys; sys.path[:0] = {path}\n{LOCK}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, task, out, str(workers)],
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self) -> None:
        _, complaint = self.process.communicate(timeout=300)
        assert self.process.returncode == 0, complaint

    def kill_when(self, moment: Callable[[Path, Evidence], bool]) -> bool:
        """Kill the whole group at that moment; False if the run ended before."""
        while self.process.poll() is None:
            if moment(self.out, evidence(self.out)):
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.communicate()
                return True
            time.sleep(0.01)
        _, complaint = self.process.communicate()
        assert self.process.returncode == 0, complaint
        return False


def evidence(out: Path) -> Evidence:
    """What is in the store of a run at this moment; nothing while there is none."""
    path = out / "evidence.sqlite"
    try:
        return EvidenceStore(path).read() if path.exists() else {}
    except StoreError:
        return {}


def of(rows: Evidence, prefix: str) -> int:
    return sum(key.measure.startswith(prefix) for key in rows)


def lasting(content: Any) -> Any:
    """A record without what differs from one run to the next: times, and the words of the command."""
    if isinstance(content, dict):
        return {key: lasting(value) for key, value in content.items() if key not in VOLATILE}
    return [lasting(item) for item in content] if isinstance(content, list) else content


@pytest.mark.skipif(os.name != "posix", reason="process groups")
def test_a_run_that_is_killed_again_and_again_ends_like_one_that_was_not(tmp_path: Path) -> None:
    task = save_task(tiny_source(), tmp_path / "task.npz")
    calm = Killed(task, tmp_path / "calm")
    calm.finish()

    rng = random.Random(20)
    candidates, finalists, attacks = rng.randrange(2, 7), rng.randrange(9, 11), rng.randrange(1, 4)
    moments: list[Callable[[Path, Evidence], bool]] = [
        lambda out, rows: of(rows, "source") >= 1,  # (not sooner: the tests shorten the plan when it is written)
        lambda out, rows: of(rows, "source") >= candidates,
        lambda out, rows: of(rows, "source") >= finalists,
        lambda out, rows: of(rows, "attack") >= 3 * attacks,
        lambda out, rows: (out / "locked.safetensors").exists(),
    ]
    out = tmp_path / "killed"
    kept: list[Evidence] = []
    for number, moment in enumerate(moments):
        # now and then with two workers: how many there are changes nothing
        assert Killed(task, out, workers=2 if number == 1 else 1).kill_when(moment), f"ended before moment {number}"
        assert not (out / "result.json").exists()
        kept.append(evidence(out))
    Killed(task, out).finish()

    final = evidence(out)
    for rows in kept:
        assert rows.items() <= final.items()  # not a row is lost or changed, seconds included
    assert [len(rows) for rows in kept] == sorted(len(rows) for rows in kept)
    assert len(kept[-1]) == len(final)
    assert lasting(read_json(out / "result.json")) == lasting(read_json(tmp_path / "calm" / "result.json"))
    for name in ("locked.safetensors", "architecture.json"):
        assert (out / name).read_bytes() == (tmp_path / "calm" / name).read_bytes()
