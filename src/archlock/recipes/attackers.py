"""What is asked of the attackers, in a lock and in an attack alike: checked at birth, and made into a suite."""

import math
from dataclasses import dataclass, replace
from typing import Protocol

from archlock.attacks import ATTACKS, DEFAULT, Attack, Panel, lengths, panel_named
from archlock.errors import ConfigurationError
from archlock.extras import require
from archlock.recipes.checking import check_lengths, check_names, check_shares, check_shots, check_whole
from archlock.training import Plan, sized_for

WIDENED = 2
"""Settings beyond its own that an attacker tries until none of the neighbours is better, on the average."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Who attacks, with how much of the target data, how often, how long they train and how hard they search."""

    plan: Plan
    attackers: tuple[str, ...] = panel_named(DEFAULT).attackers
    fractions: tuple[float, ...] = (0.1, 1.0)
    seeds: int = 3
    trials: int | None = None
    """Settings that each attacker tries with the first seed (then the curve of the best is kept too); None: their
    own small sweep."""
    horizons: tuple[float, ...] = (1.0,)
    """The longest trainings, in multiples of the plan's epochs; each has outcomes of its own, which go on from those of
    the shorter ones."""
    shots: tuple[int, ...] = ()
    """Examples of each class that an attacker has, beside the fractions."""
    curves: bool = False
    """Whether the attackers' trainings are watched: the validation score after every epoch, and what it took. A search
    (``trials``) is watched always. About a third more work."""
    rates: tuple[float, ...] | None = None
    """Learning rates to try instead of the attackers' own."""

    def __post_init__(self) -> None:
        for name, values in (("fractions", self.fractions), ("horizons", self.horizons), ("shots", self.shots)):
            if not all(0 < value < math.inf for value in values) or len(set(values)) < len(values):
                raise ConfigurationError(f"the {name} of an attack are above 0 and differ; got {values}")
        if not self.horizons or not (self.fractions or self.shots) or (self.trials is not None and self.trials < 1):
            raise ConfigurationError(
                "an attack needs a horizon, a fraction or a number of shots, and at least one trial; got "
                f"{self.horizons}, {self.fractions}, {self.shots} and {self.trials}"
            )

    @property
    def full_trainings(self) -> float:
        """Work on one model and target, in trainings on all of its data: searches, seeds and fractions included.

        What few shots take depends on the target, and is little: it is not counted.
        """
        runs = sum(self._trainings(ATTACKS[name]) for name in self.attackers if ATTACKS[name].tuned == "rate")
        return runs * sum(fraction * _longer(fraction) for fraction in self.fractions)

    def _trainings(self, attack: Attack) -> float:
        """Of one attacker with all data, in trainings of the plan's length: the search, then the other seeds."""
        own: float = len(attack.settings) + (0 if attack.naive else WIDENED)
        most = max(self.horizons)
        longer = sum(lengths(most)[1:])
        if self.trials is not None:
            own, longer = (self.trials + 1) * sum(lengths(most)) / len(lengths(most)), 0.0
        return (own + self.curves) * min(1.0, most) + longer + (self.seeds - 1) * sum(self.horizons)


class Asked(Protocol):
    """The fields that both configurations have."""

    @property
    def panel(self) -> str:
        """Who attacks, by the name of a panel."""
        ...

    @property
    def attackers(self) -> tuple[str, ...]:
        """Those instead of the panel's; empty: the panel's."""
        ...

    @property
    def horizons(self) -> tuple[float, ...]:
        """Those instead of the panel's; empty: the panel's."""
        ...

    @property
    def fractions(self) -> tuple[float, ...]:
        """Shares of the data."""
        ...

    @property
    def shots(self) -> tuple[int, ...]:
        """Examples of each class, beside the shares."""
        ...

    @property
    def trials(self) -> int | None:
        """Settings that each tries; None: their own sweep."""
        ...

    @property
    def curves(self) -> bool:
        """Whether they are watched."""
        ...


def check_attackers(asked: Asked) -> None:
    """ConfigurationError for what cannot be meant."""
    panel_named(asked.panel)
    check_names("attackers", asked.attackers, ATTACKS)
    for name in asked.attackers:
        ATTACKS[name]
    check_whole(1, trials=asked.trials)
    check_shares(asked.fractions)
    check_lengths(asked.horizons)
    check_shots(asked.shots)
    if not asked.fractions and not asked.shots:
        raise ConfigurationError("attackers get a fraction of the data, or shots; got neither")
    if asked.trials is not None:
        require("tuning", "a search by trials")


def panel_of(asked: Asked) -> Panel:
    """Who attacks for how long: the panel, or what is named instead of its attackers and horizons."""
    panel = panel_named(asked.panel)
    attackers, horizons = asked.attackers or panel.attackers, asked.horizons or panel.horizons
    return Panel(panel.name, panel.summary, attackers, horizons)


def suite_of(asked: Asked, plan: Plan, *, seeds: int) -> Suite:
    """The attackers, training by that plan, with so many seeds."""
    panel = panel_of(asked)
    return Suite(plan, panel.attackers, asked.fractions, seeds, asked.trials, panel.horizons, asked.shots, asked.curves)


def attack_plan(examples: int, epochs: int | None = None, *, size: tuple[int, int] | None = None) -> Plan:
    """How attackers train on that many examples: ``epochs``, or about 8,000 images in all, 6 to 20 epochs.

    Batches are of some sixteenth of the examples, 16 to 64; of large images (height, width) as ``sized_for`` says.
    """
    batch_size = min(64, max(16, 2 ** round(math.log2(max(1, examples) / 16))))
    plan = Plan(epochs or min(20, max(6, round(8_000 / max(1, examples)))), batch_size, shift=0.0)
    return plan if size is None else sized_for(plan, size)


def plan_at(plan: Plan, fraction: float, examples: int) -> Plan:
    """The plan for less data: more epochs (by the root of the shrinkage), and batches that still make an epoch."""
    return replace(
        plan, epochs=round(plan.epochs * _longer(fraction)), batch_size=min(plan.batch_size, max(4, examples // 4))
    )


def _longer(fraction: float) -> float:
    """How many times as many epochs an attacker trains on a fraction of the data."""
    return 1 / math.sqrt(fraction)
