"""How well a trace was read, beside who knows nothing: functions of sequences."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from archlock.leaks.operators import PASSING


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Fewest insertions, deletions and replacements that make one sequence the other (Levenshtein 1966)."""
    known = {kind: number for number, kind in enumerate(dict.fromkeys((*one, *other)))}
    left, right = (np.array([known[kind] for kind in sequence], int) for sequence in (one, other))
    steps = np.arange(len(right) + 1)
    row = steps.copy()
    for number, value in enumerate(left):
        swapped = row[:-1] + (right != value)
        best = np.concatenate([[number + 1], np.minimum(swapped, row[1:] + 1)])
        row = np.minimum.accumulate(best - steps) + steps  # (insertions: each costs 1 more than its left neighbour)
    return int(row[-1])


def edit_error(read: Sequence[str], true: Sequence[str]) -> float:
    """Edit distance over the length of the true sequence, as in DeepSniffer; may be above 1. An empty truth: 0 or 1."""
    return edit_distance(read, true) / len(true) if true else float(bool(read))


def skeleton(kinds: Sequence[str]) -> tuple[str, ...]:
    """The sequence without what folding removes and decoys add."""
    return tuple(kind for kind in kinds if kind not in PASSING)


def majority(sequences: Sequence[Sequence[str]]) -> str:
    """The kind that is most frequent; of several the first by name."""
    counts = Counter(kind for sequence in sequences for kind in sequence)
    return min(counts, key=lambda kind: (-counts[kind], kind))
