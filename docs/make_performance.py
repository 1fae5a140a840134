"""Write docs/performance.md: every benchmark, run one after the other on this machine, with what the machine is.

    python docs/make_performance.py [--only shared_pass ...]

What counts are the ratios: reference and ours take turns in one process. With ``--only``, the other sections stay as
they are. Takes about an hour on two processors; nothing else should run meanwhile.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from archlock.execution import default_workers, one_thread

HERE = Path(__file__).parent
PAGE = HERE / "performance.md"
BENCHMARKS = {
    "shared_pass": ("Proxies of one architecture", ("--check",)),
    "whole_space": ("Proxies of a whole space", ()),
    "rank_space": ("Ranking a whole space", ()),
    "surrogate": ("What is believed between two rounds", ()),
    "many_trainings": ("Many short trainings", ()),
    "executors": ("What an executor costs", ()),
    "tables": ("Recorded tables", ()),
    "panels": ("Panels of attackers", ()),
}
"""Titles and arguments, by file in ``benchmarks``."""
BUSY = 1.0
"""Load average from which a section says that other programs ran."""
INTRODUCTION = """# Performance

Written by `python docs/make_performance.py`; do not edit. Reference and ours take turns in one run; read the ratios.
All figures are of processors. `python benchmarks/on_gpu.py` checks on a GPU, in under ten minutes, that lock, attack,
measure and transfer run there and agree with the processor, and prints both times; it has not been run on one yet.
"""


def main() -> None:
    """Run what is asked for and rewrite its sections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), default=list(BENCHMARKS))
    given = parser.parse_args()
    sections = read_sections()
    for name in given.only:
        sections[name] = section(name)
        ordered = [sections[known] for known in BENCHMARKS if known in sections]
        PAGE.write_text("\n".join([INTRODUCTION, *ordered]).rstrip() + "\n", encoding="utf-8")


def read_sections() -> dict[str, str]:
    """The sections of the page as it is, by benchmark."""
    if not PAGE.exists():
        return {}
    parts = re.split(r"(?m)^(?=## )", PAGE.read_text(encoding="utf-8"))[1:]
    titles = {title: name for name, (title, _) in BENCHMARKS.items()}
    return {titles[part.splitlines()[0].removeprefix("## ")]: part.rstrip() + "\n" for part in parts}


def section(name: str) -> str:
    """Run a benchmark: its command, what it printed, and where it ran."""
    title, arguments = BENCHMARKS[name]
    command = ["python", f"benchmarks/{name}.py", *arguments]
    print("$", *command, flush=True)  # noqa: T201
    load = os.getloadavg()[0]
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *command[1:]], cwd=HERE.parent, stdout=subprocess.PIPE, check=True)
    lines = done.stdout.decode().split("\n")
    shown = "\n".join(line.rpartition("\r")[2].rstrip() for line in lines).strip()
    facts = f"{machine()}. {datetime.now(UTC):%Y-%m-%d}, {time.perf_counter() - began:.0f} s."
    if load > BUSY:
        facts += f" The machine was busy: a load of {load:.0f} before; times are too long, ratios hold."
    return "\n".join([f"## {title}", "", f"`{' '.join(command)}`", "", "```", shown, "```", "", facts, ""])


def machine() -> str:
    """Processor, system, versions, and what one core reaches in a matrix product."""
    names = (
        re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if Path("/proc/cpuinfo").exists() else []
    )
    processor = names[0] if names else platform.processor()
    versions = f"Python {platform.python_version()}, torch {version('torch')}"
    return f"{processor}, {default_workers()} processors, {platform.system()}, {versions}, one core {peak():.0f} GF/s"


def peak() -> float:
    """Float32 GF/s of a matrix product on one core, best of five."""
    import torch

    seconds = []
    with one_thread():
        matrix = torch.rand(1024, 1024)
        for _ in range(6):
            began = time.perf_counter()
            _ = matrix @ matrix
            seconds.append(time.perf_counter() - began)
    return 2 * 1024**3 / min(seconds[1:]) / 1e9


if __name__ == "__main__":
    main()
