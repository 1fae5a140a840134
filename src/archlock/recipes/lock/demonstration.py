"""The demonstration: the whole job on data that are drawn, where weights are worth something, in minutes.

A model that reads the letters of a made-up alphabet is worth much to somebody who has three pictures of each letter of
another one: from scratch they get nowhere. So what a lock takes can be seen, with an interval, on two cores.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from archlock.progress import Progress
from archlock.recipes.budget import Budget
from archlock.recipes.lock.config import LockConfig
from archlock.recipes.lock.procedure import LockResult, lock
from archlock.search import SourceFloor

SOURCE: Final = "letters:0?side=8"
KNOWN: Final = "letters:1?side=8"
"""What the search may know, and is to lock against."""
UNSEEN: Final = "letters:2?side=8"
"""What the search never sees."""
DEMO: Final = LockConfig(
    scheme="tk",
    space="locking_macro",
    evidence="rehearsal",
    floor=SourceFloor("accuracy_loss", 0.05),
    budget=Budget(8, "trainings"),
    width=8,
    epochs=10,
    attack_seeds=3,
    attackers=("best_layer_probe", "lp_ft", "renormalised", "from_scratch"),
    fractions=(),
    shots=(3,),
    arms=(),
    demo=True,
)


def demo(*, out: Path, seed: int = 0, workers: int | None = None, progress: Progress | None = None) -> LockResult:
    """Lock a reader of one alphabet against readers of another; attacked on that one and on a third."""
    return lock(
        SOURCE,
        replace(DEMO, seed=seed),
        out=out,
        known=[KNOWN],
        sealed=[UNSEEN],
        workers=workers,
        progress=progress,
        command="archlock demo",
    )
