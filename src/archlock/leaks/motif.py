"""The block that a network repeats, as it shows in a sequence of operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LONGEST: Final = 40
"""Operators of a block."""


@dataclass(frozen=True, slots=True)
class Motif:
    """Operators that come again and again."""

    kinds: tuple[str, ...]
    """Empty where nothing is repeated."""
    times: int
    """In a row, in all such rows together."""
    share: float
    """Of the sequence that such rows cover."""


def motif_of(kinds: Sequence[str]) -> Motif:
    """The block of at least two operators whose immediate repeats cover most; of equals the shortest, then the first.

    It is itself no repetition of a shorter block. A sequence without repeats gives an empty one.
    """
    found = Motif((), 0, 0.0)
    covered = 0
    for length in range(2, min(LONGEST, len(kinds) // 2) + 1):
        for block, times in _repeats(tuple(kinds), length).items():
            if times * length > covered and not _repeats_itself(block):
                covered = times * length
                found = Motif(block, times, covered / len(kinds))
    return found


def _repeats(kinds: tuple[str, ...], length: int) -> dict[tuple[str, ...], int]:
    """Blocks of that length that follow themselves at once, and how often they come in such rows."""
    found: dict[tuple[str, ...], int] = {}
    place = 0
    while place + 2 * length <= len(kinds):
        block, times = kinds[place : place + length], 1
        while kinds[place + times * length : place + (times + 1) * length] == block:
            times += 1
        if times > 1:
            found[block] = found.get(block, 0) + times
            place += times * length
        else:
            place += 1
    return found


def _repeats_itself(block: tuple[str, ...]) -> bool:
    return any(
        len(block) % part == 0 and block == block[:part] * (len(block) // part)
        for part in range(1, len(block) // 2 + 1)
    )
