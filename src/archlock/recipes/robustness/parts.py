"""What each adversary does to each few of the images: independent jobs, each kept on disk as soon as it is done."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from archlock.adversaries import ADVERSARIES, Effort, Norm, first_beaten
from archlock.decoding import decode
from archlock.execution import executor_for
from archlock.progress import Progress
from archlock.records import read_json, write_json

FEW: Final = 50
"""Images of a job."""
PARTS: Final = "parts"


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A model and the images that it is asked about, on the device where it computes."""

    module: nn.Module
    images: Tensor
    """In [0, 1], N x C x H x W."""
    labels: Tensor
    seeds: tuple[int, ...]
    """One of each image."""
    epsilons: tuple[float, ...]
    """Above 0, rising."""
    norm: Norm
    effort: Effort
    device: str


@dataclass(frozen=True, slots=True)
class Part:
    """What became of the images of a job."""

    beaten: tuple[int, ...]
    seconds: float


def all_parts(
    prepared: Prepared, adversaries: tuple[str, ...], folder: Path, *, workers: int, progress: Progress
) -> Mapping[str, Part]:
    """Of each adversary what became of all images, in their order; parts that lie in the folder are not done again."""
    jobs = [(name, first) for name in adversaries for first in range(0, len(prepared.images), FEW)]
    paths = {job: folder / PARTS / f"{job[0]}-{job[1]:06d}.json" for job in jobs}
    waiting = [job for job in jobs if not paths[job].exists()]
    progress.begin("images, by adversary", len(jobs), len(jobs) - len(waiting))
    for place, part in executor_for(workers).run(_part, prepared, waiting):
        write_json(paths[waiting[place]], part)
        progress.advance(1, waiting[place][0])
    found = {job: decode(Part, read_json(path), where=str(path)) for job, path in paths.items()}
    return {name: _joined([part for job, part in found.items() if job[0] == name]) for name in adversaries}


def _joined(parts: list[Part]) -> Part:
    return Part(tuple(at for part in parts for at in part.beaten), sum(part.seconds for part in parts))


def _part(prepared: Prepared, job: tuple[str, int]) -> Part:
    """One job, in a worker."""
    name, first = job
    rows, began = slice(first, first + FEW), time.perf_counter()
    module = prepared.module.to(prepared.device)
    with torch.random.fork_rng(devices=[]):  # (a stranger's module may ask for chance)
        torch.default_generator.manual_seed(first)
        beaten: np.ndarray = first_beaten(
            ADVERSARIES[name],
            module,
            prepared.images[rows].to(prepared.device),
            prepared.labels[rows].to(prepared.device),
            prepared.epsilons,
            norm=prepared.norm,
            effort=prepared.effort,
            seeds=prepared.seeds[rows],
        )
    return Part(tuple(int(at) for at in beaten), time.perf_counter() - began)
