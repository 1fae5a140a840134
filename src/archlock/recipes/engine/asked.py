"""What a lock search is asked, and what it answers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from archlock.recipes.engine.beliefs import TaskBelief
from archlock.search import Belief, SourceFloor
from archlock.spaces import Architecture


@dataclass(frozen=True, slots=True, eq=False)
class Foretold:
    """What proxies, or whoever else, say of every candidate without any training: then only the source is bought."""

    source: Float[np.ndarray, " architectures"]
    """Scores in any unit."""
    against: Belief | None
    """What is to be made low; None in scheme S."""
    first: Int[np.ndarray, " shortlist"]
    """Rows that are trained, the best first; no others are."""


Evidence = Literal["trainings", "structure"] | Foretold


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a search is to find, and with how much."""

    floor: SourceFloor
    short: int = 0
    full: int = 0
    against: Evidence = "trainings"
    """What tells how good an architecture is for the others: trainings on them, or nothing but its structure."""
    lesson: Float[np.ndarray, " architectures"] | None = None
    """What recorded trainings say of the source of every candidate, in any unit; None: nobody asked them.
    It only shapes what is expected, and from where the first trainings are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search decided, and what it believes."""

    row: int
    architecture: Architecture
    keeps: float
    """Probability of keeping the floor; 1 where there is none to keep."""
    floor: Belief | None
    source: Belief
    against: Belief
    beliefs: tuple[TaskBelief, ...]
    measured: Int[np.ndarray, " measured"]
    """Rows with a full training, in the order in which they were bought."""
    trainings: Int[np.ndarray, " measured"]
