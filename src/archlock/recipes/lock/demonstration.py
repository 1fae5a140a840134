"""The demonstration: the whole job on data that scikit-learn ships, small enough for two minutes on two cores."""

from dataclasses import replace
from pathlib import Path

from archlock.progress import Progress
from archlock.recipes.budget import Budget
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.procedure import LockResult, lock
from archlock.tasks import digits

DEMO = LockConfig(
    budget=Budget(8, "trainings"),
    simulated=("rotation",),
    held_out=("glyphs",),
    width=8,
    depth=1,
    epochs=12,
    attack_seeds=1,
    attackers=("from_scratch", "linear_probe", "fine_tune"),
    arms=("random",),  # each costs the demonstration about ten seconds on two cores
    demo=True,
)


def demo(*, out: Path, seed: int = 0, workers: int | None = None, progress: Progress | None = None) -> LockResult:
    """Lock handwritten digits with one attack seed; the attackers' targets are tasks the search did not see."""
    config = replace(DEMO, seed=seed)
    return lock(digits(seed=seed), config, out=out, workers=workers, progress=progress, command="archlock demo")
