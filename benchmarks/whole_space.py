"""The seven published proxies of all connected cells of NAS-Bench-201: one by one as common tools do, against ours.

    python benchmarks/whole_space.py [--cells 200] [--workers 2] [--json FILE]

Extrapolated, not run in full: the reference is the mean over random cells, each proxy computed alone in the default
layout on the whole network (dead edges built), times 15,284; ours is the mean over as many random functions, in the
shared pass, times 5,043. Processor time, one thread, both at the published size (16 channels, 5 cells, 64 images of
32 x 32). Reference and ours take turns. The interval is a bootstrap over cells and functions.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from scipy.stats import bootstrap
from shared_pass import SIGNATURE, each_alone, together

from archlock.execution import default_workers, executor_for
from archlock.models import build
from archlock.seeding import rng_for
from archlock.spaces import SPACES, Architecture
from archlock.training import Batch

SPACE = SPACES["nasbench201"]


def main() -> None:
    """Time, print, and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cells = [cell for cell in SPACE.enumerate() if SPACE.is_connected(cell)]
    functions = sorted({SPACE.simplify(cell) for cell in cells})
    jobs = list(
        zip(sampled(cells, arguments.cells, "cells"), sampled(functions, arguments.cells, "functions"), strict=True)
    )
    seconds = np.zeros((len(jobs), 2))
    for done, (place, found) in enumerate(executor_for(arguments.workers).run(race, None, jobs)):
        seconds[place] = found
        print(f"\r{done + 1} / {len(jobs)}", end="", flush=True)
    print()
    totals = seconds.mean(0) * (len(cells), len(functions)) / 3600
    sizes = (len(cells), len(functions))
    interval = bootstrap(
        (seconds[:, 0], seconds[:, 1]),
        lambda reference, ours: reference.mean() * sizes[0] / (ours.mean() * sizes[1]),
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    row = {
        "cells": arguments.cells,
        "reference_hours": totals[0],
        "ours_hours": totals[1],
        "ratio": totals[0] / totals[1],
        "low": interval.low,
        "high": interval.high,
    }
    print(
        f"whole space, seven proxies, one thread, extrapolated: reference {row['reference_hours']:.1f} h, "
        f"ours {row['ours_hours']:.2f} h, ratio {row['ratio']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(row, indent=2) + "\n")


def sampled(architectures: list[Architecture], count: int, use: str) -> list[Architecture]:
    """So many of them at random."""
    order = rng_for(0, "whole space", use).permutation(len(architectures))[:count]
    return [architectures[place] for place in order]


def race(_: None, job: tuple[Architecture, Architecture]) -> tuple[float, float]:
    """Processor seconds of the reference on the cell and of ours on the function, networks built included."""
    cell, function = job
    generator = torch.Generator().manual_seed(0)
    batch = Batch(torch.rand(64, 3, 32, 32, generator=generator), torch.arange(64) % 10)
    began = time.process_time()
    each_alone(build(cell, SIGNATURE, prune=False, seed=0), batch)
    half_way = time.process_time()
    together(build(function, SIGNATURE, seed=0), batch)
    return half_way - began, time.process_time() - half_way


if __name__ == "__main__":
    main()
