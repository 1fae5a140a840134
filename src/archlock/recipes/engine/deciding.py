"""Which measured candidate is the lock, and which one should be trained again before that counts."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

from archlock.recipes.engine.settings import EngineSettings
from archlock.search import Belief

PerCandidate: TypeAlias = Float[np.ndarray, " architectures"]


def chosen(rows: Int[np.ndarray, " measured"], kept: PerCandidate, loss: PerCandidate, sure: float) -> int:
    """The row of least loss among those that keep the floor with that probability; the likeliest where none does."""
    certain = kept[rows] >= sure
    return int(rows[np.argmin(np.where(certain, loss[rows], np.inf) if certain.any() else -kept[rows])])


def challenger(
    choice: int,
    rows: Int[np.ndarray, " open"],
    kept: PerCandidate,
    against: Belief,
    settings: EngineSettings,
) -> int | None:
    """The row that is expected to bring most beyond the choice, if more trainings show that it keeps the floor.

    Only what likely keeps it but is not sure enough, and what is believed to be lower for the others than the choice by
    more than the deviation of that belief. The chance to miss the floor is no reason against it: it is the question.
    """
    gain = against.mean[choice] - against.mean[rows]
    unclear = (kept[rows] >= settings.likely) & (kept[rows] < settings.sure) & (gain > against.std[rows])
    return int(rows[np.argmax(np.where(unclear, kept[rows] * gain, -np.inf))]) if unclear.any() else None
