"""Architectures that were trained at full size: what it showed, and their training with every seed."""

from dataclasses import dataclass

import numpy as np

from archlock.evidence import Measurement
from archlock.recipes.lock.gathering import EvidenceTasks, gather
from archlock.recipes.lock.run import Run
from archlock.spaces import Architecture


@dataclass(frozen=True, slots=True)
class Finalist:
    """An architecture that was trained at full size on the source, judged on validation splits alone."""

    architecture: Architecture
    source_scores: tuple[float, ...]
    """Score on the source's validation split, one per training."""
    per_target: dict[str, float]
    """What an attacker gained on each known target, the better of probe and short fine-tuning: mean over the
    trainings."""

    @property
    def source_validation(self) -> float:
        """Mean score on the source's validation split."""
        return float(np.mean(self.source_scores))

    @property
    def target_gain(self) -> float:
        """Mean gain over the known targets; 0 when there are none."""
        return float(np.mean(list(self.per_target.values()))) if self.per_target else 0.0


def every_seed(run: Run, architecture: Architecture) -> tuple[Measurement, ...]:
    """Source accuracy of the architecture trained at full size with every seed; the first one is the finalist's."""
    tasks = EvidenceTasks(run.source, {}, run.allocation.final, run.trained, device=run.config.device)
    seeds = tuple(run.config.seed + index for index in range(run.config.attack_seeds))
    stage = f"{architecture.code}, trained with every seed"
    known = gather([(architecture, seed) for seed in seeds], tasks, stage=stage, resources=run.resources)
    return tuple(known[tasks.keys(architecture, seed)[0]] for seed in seeds)
