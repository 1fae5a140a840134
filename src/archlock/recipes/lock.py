"""The main job, end to end: from a source task to a locked, trained and attacked model, and a report.

Evidence is bought on the source and on targets the search may know; a preference model turns it into a score of every
architecture on every task; the search maximises the lock objective; finalists are trained on the source; one is chosen.
Only then are the sealed targets opened and the attackers let loose, on the locked and on the source-only model alike.
"""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from torch import nn

import archlock
from archlock.adaptation import AdaptationSettings
from archlock.errors import ConfigurationError
from archlock.execution import default_workers
from archlock.models import load_weights
from archlock.progress import Progress, Silent
from archlock.recipes.allocation import Allocation
from archlock.recipes.attacking import Defended, Suite, run_suite
from archlock.recipes.budget import Budget
from archlock.recipes.workspace import Workspace
from archlock.reports import LockRecord, OutcomeRecord, render_html
from archlock.search import SourceFloor
from archlock.spaces import SPACES, Architecture
from archlock.tasks import SIMULATORS, Choice, SealedTask, Task


@dataclass(frozen=True, slots=True)
class LockConfig:
    """What is asked of a lock. Everything that changes the answer is here, and nothing else."""

    scheme: str = "tu"
    space: str = "nasbench201"
    evidence: str = "adaptation"
    preference: str = "score_model"
    strategy: str = "exhaustive"
    objective: str = "constrained"
    floor: SourceFloor = SourceFloor("accuracy_loss", 0.01)
    budget: Budget = Budget(20, "minutes")
    simulated: tuple[str, ...] = ("jigsaw", "rotation")
    """Simulated targets that the search sees (scheme TU)."""
    held_out: tuple[str, ...] = ("textures",)
    """Simulated targets kept sealed for the attackers, when the owner names no targets of his own."""
    width: int = 16
    depth: int = 1
    epochs: int | None = None
    flip: bool = False
    attack_seeds: int = 3
    fractions: tuple[float, ...] = (0.1, 1.0)
    demo: bool = False
    seed: int = 0
    device: str = "cpu"
