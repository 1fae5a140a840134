"""Every constant of the engine, in one place.

Chosen on TransNAS-Bench-101 micro with target known, seeds 0 to 2, judged as ``archlock evaluate`` judges; the other
tables were not looked at. But for ``doubt_weight``: chosen with the target unknown on NAS-Bench-201, seeds 0 to 9, the
same with NinaPro, seeds 0 to 19, and TransNAS-Bench-101 micro, seeds 0 and 1. Later seeds judge. And but for ``likely``
and ``taught``, which were set beforehand.
"""

from dataclasses import dataclass
from typing import Final

FEWEST_TRAININGS: Final = 4
"""Full trainings without which nothing is decided."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How a lock search spends and decides. Shares are of what the market sells of a kind."""

    short_start: float = 0.5
    """Share of the short trainings that is sampled from everywhere at once."""
    short_rounds: int = 3
    """Batches in which the rest of them is bought where the lock is promising."""
    full_start: float = 0.32
    """Share of the full trainings that is sampled at random at once."""
    full_batch: float = 0.08
    """Share of the full trainings that is bought in every later round."""
    least_batch: int = 1
    """Full trainings that a later round has at least; more of them keep more processors busy."""
    explored: float = 0.35
    """Share of a batch that is sampled at random among what is promising on the source, to know where the floor lies;
    only where nothing foretells full trainings."""
    explored_until: float = 0.6
    """Share of the full trainings after which nothing is sampled at random any more."""
    promising: float = 0.08
    """Share of the candidates, by what is believed of the source, from which is sampled."""
    foretold: float = 0.2
    """That share for the first full trainings where short ones, or capacity, foretell them."""
    repeats: tuple[int, ...] = (1, 2, 4)
    """Trainings of one architecture among which the best buy is looked for."""
    held_up: float = 1.5
    """Values lower than so many quartile ranges below the median count as that: how bad the bad ones are is no
    matter."""
    sure: float = 0.8
    """Probability of keeping the floor that a lock must have."""
    likely: float = 0.5
    """Probability of keeping it from which on a candidate that promises more than the decision is trained again before
    that one is confirmed. Set beforehand, not tuned."""
    floor_doubt: float = 1.2
    """Standard error of an estimated percentile floor, in those of the share in a random sample of as many."""
    floor_shift: float = 0.4
    """By how much an estimated percentile floor is raised, in standard deviations of one training: the best of many
    architectures are better than a model of the others says."""
    taught: float = 0.4
    """Share of everything, the best by what recorded trainings say of the source, from which the first trainings are
    drawn where somebody asked those: so that not most of them are far below every floor. Set beforehand, not tuned."""
    slope: float = 0.6
    """What a short training, a proxy, or a recorded training is expected to tell of the full one before any full one
    was bought: standard deviations of full ones for one of what was foretold. A handful of finalists, all promising,
    cannot tell by themselves."""
    size_weight: float = 0.5
    """How much size counts beside foretold values where the first full trainings are sampled."""
    shortcut_weight: float = 0.4
    """How much an open shortcut counts against what is believed of an unknown target, in standard deviations."""
    caution: float = 1.0
    """Standard deviations by which an unknown target is believed to be better than the mean of its stand-ins: what
    looks worst of many is partly what is known least."""
    doubt_weight: float = 8.0
    """How much a probability of 1 of missing the floor counts against a lock whose target is unknown, in standard
    deviations of what was measured of the others. Its gain is uncertain, and what misses the floor is no lock."""
    source_weight: float = 0.1
    """How much the source itself counts as one more stand-in of an unknown target."""


DEFAULTS = EngineSettings()
