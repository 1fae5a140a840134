"""Which units go: the lowest scores until enough is gone, no group is emptied, and widths are multiples where asked.

Functions of numbers. The order is that of the scores and of nothing else: groups in another order give the same units
(the released code of HESSO sorts candidates by index and prefers early layers).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, get_args

import numpy as np

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.models import Group, Structure, cost_without
from archlock.training.compaction.saliencies import Scores

Cost = Literal["groups", "parameters", "macs"]
COSTS: Final[tuple[Cost, ...]] = get_args(Cost)
Gone = Mapping[str, tuple[int, ...]]
"""Of each group by name: the numbers of its units that are gone."""


@dataclass(frozen=True, slots=True)
class Goal:
    """How much of a network stays, and of what."""

    keep: Fraction
    """Share in (0, 1)."""
    cost: Cost = "groups"
    """``groups``: of the prunable units; ``parameters`` and ``macs``: of the whole network."""
    divisible: int = 1
    """A group keeps a multiple of so many units, and one that has not more is left alone."""
    floor: Fraction = Fraction(1, 4)
    """Of the share to keep, which every group keeps of its own units at least: scores over all layers have been seen to
    leave a layer with two of 64 channels, and a network without its accuracy."""

    def __post_init__(self) -> None:
        if not 0 < self.keep < 1:
            raise ConfigurationError(f"a share to keep is above 0 and below 1; got {float(self.keep):g}")
        if self.divisible < 1:
            raise ConfigurationError(f"widths are multiples of a whole number from 1 on; got {self.divisible}")


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What may go of a structure, and how much of it is to go."""

    structure: Structure
    groups: tuple[Group, ...]
    goal: Goal

    @property
    def units(self) -> int:
        """Of all groups that may be narrowed."""
        return sum(group.units for group in self.groups)

    @property
    def wanted(self) -> int:
        """Units that go in all, where the goal is a share of units: as many as may, so that the share is kept."""
        return int((1 - self.goal.keep) * self.units)

    def least(self, group: Group) -> int:
        """Units that the group keeps at least: one, and what is said of widths."""
        wanted = max(1, math.ceil(self.goal.keep * self.goal.floor * group.units))
        return min(group.units, -(-wanted // self.goal.divisible) * self.goal.divisible)

    def reached(self, counts: Mapping[str, int], period: int = 1, periods: int = 1) -> bool:
        """Whether so many units of each group are as much as is to go by the end of a period (from 1)."""
        if self.goal.cost == "groups":
            part = self.wanted if period == periods else period * (self.wanted // periods)
            return sum(counts.values()) >= part
        left = cost_without(self.structure, {name: count for name, count in counts.items() if count})
        whole = getattr(self.structure, self.goal.cost)
        kept = 1 - (1 - self.goal.keep) * Fraction(period, periods)
        return bool(getattr(left, self.goal.cost) <= kept * whole)

    def check_reachable(self) -> None:
        """UnsupportedError where a group would have to be emptied, with what can be kept at least."""
        most = {group.name: group.units - self.least(group) for group in self.groups}
        if self.reached(most):
            return
        if self.goal.cost == "groups":
            left, whole = self.units - sum(most.values()), self.units
        else:
            left = getattr(cost_without(self.structure, most), self.goal.cost)
            whole = getattr(self.structure, self.goal.cost)
        raise UnsupportedError(
            f"keeping {float(self.goal.keep):.1%} of the {self.goal.cost} would leave a layer empty: with the fewest "
            f"units that every group must keep, {left:,} of {whole:,} {self.goal.cost} are left "
            f"({left / whole:.1%}); keep more"
        )


def lowest(choice: Choice, scores: Scores, gone: Gone, *, period: int = 1, periods: int = 1) -> dict[str, list[int]]:
    """The units that go next, of each group in the order of their scores, so that the goal of the period is reached.

    ``gone`` are those that are gone already. A unit without which its group would be emptied stays, and the next one
    goes in its place. Where widths are multiples of a number, the candidates of highest score stay.
    """
    order = _going(choice, scores, gone)
    before = {group.name: len(gone.get(group.name, ())) for group in choice.groups}

    def counts(taken: int) -> dict[str, int]:
        found = dict(before)
        for name, _ in order[:taken]:
            found[name] += 1
        return found

    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if choice.reached(counts(middle), period, periods):
            high = middle
        else:
            low = middle + 1
    new: dict[str, list[int]] = {}
    for name, unit in order[:low]:
        new.setdefault(name, []).append(unit)
    return {name: units for name, units in ((n, _divisible(choice, n, u, before[n])) for n, u in new.items()) if units}


def _going(choice: Choice, scores: Scores, gone: Gone) -> list[tuple[str, int]]:
    """Every unit that may go, lowest score first."""
    away = {group.name: frozenset(gone.get(group.name, ())) for group in choice.groups}
    places = [(g.name, unit) for g in choice.groups for unit in range(g.units) if unit not in away[g.name]]
    values = np.array([float(scores[name][unit]) for name, unit in places])
    left = {group.name: group.units - len(away[group.name]) for group in choice.groups}
    least = {group.name: choice.least(group) for group in choice.groups}
    found = []
    for place in np.argsort(values, kind="stable"):
        name, unit = places[place]
        if left[name] > least[name]:
            left[name] -= 1
            found.append((name, unit))
    return found


def _divisible(choice: Choice, name: str, units: list[int], before: int) -> list[int]:
    """The candidates of lowest score that leave a multiple, or a group that is one already."""
    total = choice.structure.group(name).units
    count = len(units)
    while count and (total - before - count) % choice.goal.divisible:
        count -= 1
    return units[:count]
