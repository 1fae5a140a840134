"""Which units go: the lowest scores until enough is gone, no group is emptied, and widths are multiples where asked.

Where widths are multiples of a number, units of a group go in blocks, and the order is that of their mean scores.
Functions of numbers. The order is that of the scores and of nothing else: groups in another order give the same units
(the released code of HESSO sorts candidates by index and prefers early layers).
"""

import math
from collections.abc import Callable, Mapping, Sequence
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

    def excess(self, counts: Mapping[str, int], period: int = 1, periods: int = 1) -> Fraction:
        """How much more is left without so many units of each group than is to be left by the end of a period (from 1).

        In units, parameters or MACs; 0 or less where the goal is reached.
        """
        if self.goal.cost == "groups":
            part = self.wanted if period == periods else period * (self.wanted // periods)
            return Fraction(part - sum(counts.values()))
        kept = 1 - (1 - self.goal.keep) * Fraction(period, periods)
        return self._left(counts) - kept * self._whole

    def reached(self, counts: Mapping[str, int], period: int = 1, periods: int = 1) -> bool:
        """Whether so many units of each group are as much as is to go by the end of a period (from 1)."""
        return self.excess(counts, period, periods) <= 0

    def check_reachable(self) -> None:
        """UnsupportedError where a group would have to be emptied, or nothing would go, with what can be kept."""
        most = {group.name: group.units - self.least(group) for group in self.groups}
        if not self.reached(most):
            raise UnsupportedError(
                f"keeping {float(self.goal.keep):.1%} of the {self.goal.cost} would leave a layer empty: with the "
                f"fewest units that every group must keep, {self._said(most)}; keep more"
            )
        firsts = [{group.name: sizes[0]} for group in self.groups if (sizes := _blocks(self, group, group.units))]
        nearest = min(firsts, key=lambda counts: abs(self.excess(counts)))
        least = 0 if self.goal.divisible == 1 else abs(self.excess(nearest))  # (one by one: what reaches the goal)
        if self.excess({}) <= 0 or self.excess({}) < least:
            whole = f"units until a width is a multiple of {self.goal.divisible}"
            step = "one unit" if self.goal.divisible == 1 else whole
            raise UnsupportedError(
                f"keeping {float(self.goal.keep):.1%} of the {self.goal.cost} would remove nothing: without {step} "
                f"{self._said(nearest)}; keep so much or less"
            )

    @property
    def _whole(self) -> int:
        """What the structure has of what the goal counts."""
        return self.units if self.goal.cost == "groups" else int(getattr(self.structure, self.goal.cost))

    def _left(self, counts: Mapping[str, int]) -> int:
        """The same without so many units of each group."""
        if self.goal.cost == "groups":
            return self.units - sum(counts.values())
        left = cost_without(self.structure, {name: count for name, count in counts.items() if count})
        return int(getattr(left, self.goal.cost))

    def _said(self, counts: Mapping[str, int]) -> str:
        left, whole = self._left(counts), self._whole
        return f"{left:,} of {whole:,} {self.goal.cost} are left ({left / whole:.1%})"


@dataclass(frozen=True, slots=True)
class _Block:
    """Units of one group that go together, in the order of their scores."""

    group: str
    units: tuple[int, ...]


def lowest(choice: Choice, scores: Scores, gone: Gone, *, period: int = 1, periods: int = 1) -> dict[str, list[int]]:
    """The units that go next, of each group in the order of their scores, so that the goal of the period is reached.

    ``gone`` are those that are gone already. A unit without which its group would be emptied stays, and the next one
    goes in its place. Where widths are multiples of a number, blocks go as long as the goal of the period is not
    passed, and at the end, where a block would pass it, the next smaller ones, so that it is met as nearly as can be.
    """
    order = _going(choice, scores, gone)
    before = {group.name: len(gone.get(group.name, ())) for group in choice.groups}

    def excess(taken: Sequence[_Block]) -> Fraction:
        counts = dict(before)
        for block in taken:
            counts[block.group] += len(block.units)
        return choice.excess(counts, period, periods)

    first = _first_reaching(order, excess)
    taken = order[:first]
    if choice.goal.divisible > 1:
        passed = bool(taken) and excess(taken) < 0
        taken = taken[:-1] if passed else taken
        if passed and period == periods:
            taken = _nearest(taken, order[first - 1 :], excess)
    new: dict[str, list[int]] = {}
    for block in taken:
        new.setdefault(block.group, []).extend(block.units)
    return new


def _first_reaching(order: Sequence[_Block], excess: Callable[[Sequence[_Block]], Fraction]) -> int:
    """How many blocks from the first on reach the goal; all where none do."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) // 2
        if excess(order[:middle]) <= 0:
            high = middle
        else:
            low = middle + 1
    return low


def _nearest(
    taken: list[_Block], others: Sequence[_Block], excess: Callable[[Sequence[_Block]], Fraction]
) -> list[_Block]:
    """What is taken, with those of the others that bring it nearest to the goal, the lowest first.

    Blocks of a group whose lowest one passes the goal stay, but for a last one, where that is nearer or as near.
    """
    passing, ends = dict[str, _Block](), list[list[_Block]]()
    for block in others:
        if block.group in passing:
            continue
        if excess([*taken, block]) < 0:
            passing[block.group] = block
            ends.append([*taken, block])
        else:
            taken = [*taken, block]
    later = [[*taken, block] for block in passing.values()]
    return min([*ends, *later, taken], key=lambda one: abs(excess(one)))


def _going(choice: Choice, scores: Scores, gone: Gone) -> list[_Block]:
    """Every block that may go, that of the lowest mean score first; of one unit each where any width is as good."""
    found, means = list[_Block](), list[float]()
    for group in choice.groups:
        away = frozenset(gone.get(group.name, ()))
        values = scores[group.name].detach().cpu().double().numpy()
        units = [int(unit) for unit in np.argsort(values, kind="stable") if int(unit) not in away]
        highest = -np.inf
        for size in _blocks(choice, group, len(units)):
            block, units = units[:size], units[size:]
            found.append(_Block(group.name, tuple(block)))
            means.append(max(highest, float(np.mean(values[block]))))  # (a mean of equal numbers may round down)
            highest = means[-1]
    return [found[place] for place in np.argsort(means, kind="stable")]


def _blocks(choice: Choice, group: Group, left: int) -> list[int]:
    """Sizes of the blocks in which units of a group of which so many are left may go."""
    least, sizes = choice.least(group), list[int]()
    while left > least:
        sizes.append(left % choice.goal.divisible or choice.goal.divisible)
        left -= sizes[-1]
    return sizes
