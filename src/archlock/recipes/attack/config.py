"""Who attacks and how hard, in one frozen record."""

from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from archlock.attacks import DEFAULT
from archlock.errors import ConfigurationError
from archlock.recipes.attackers import check_attackers
from archlock.recipes.budget import Budget
from archlock.recipes.checking import check_seed, check_whole
from archlock.recipes.settings import configured
from archlock.records import LATER


class AttackSettings(TypedDict, total=False):
    """The settings of an attack by name, for type checkers and editors; what each means, AttackConfig says."""

    panel: str
    attackers: tuple[str, ...]
    fractions: tuple[float, ...]
    seeds: int
    epochs: int | None
    examples: int | None
    seed: int
    device: str
    trials: int | None
    horizons: tuple[float, ...]
    shots: tuple[int, ...]
    curves: bool
    budget: Budget | str | None


@dataclass(frozen=True, slots=True)
class AttackConfig:
    """Who attacks and how hard. Everything that changes the answer, besides model and targets, is here."""

    panel: str = DEFAULT
    """Who attacks: ``naive`` (what a tutorial does), ``informed``, ``patient`` (until they stop improving), ``all``."""
    attackers: tuple[str, ...] = ()
    """Those instead of the panel's."""
    fractions: tuple[float, ...] = (0.1, 1.0)
    seeds: int = 3
    epochs: int | None = None
    """Epochs of a training at fraction 1; None: by the amount of data, or by the budget."""
    examples: int | None = None
    """Most training examples of a target at fraction 1; None: all, or what the budget pays."""
    seed: int = 0
    device: str = "cpu"
    trials: int | None = field(default=None, metadata=LATER)
    """Settings that each attacker tries (rate, optimiser) with the first seed; None: their own sweep."""
    horizons: tuple[float, ...] = field(default=(), metadata=LATER)
    """The longest trainings, in multiples of their epochs, instead of the panel's."""
    shots: tuple[int, ...] = field(default=(), metadata=LATER)
    """Examples of each class that attackers get, beside the fractions."""
    curves: bool = field(default=False, metadata=LATER)
    """Whether attackers are watched, so that the report says what it costs them to get anywhere."""
    budget: Budget | None = field(default=None, metadata=LATER)
    """Minutes for all attacks: epochs and examples are planned from it, fractions and seeds cut to it."""

    def __post_init__(self) -> None:
        check_attackers(self)
        check_whole(1, seeds=self.seeds, epochs=self.epochs)
        check_whole(2, examples=self.examples)
        check_seed(self.seed)
        if self.budget is not None and not isinstance(self.budget, Budget):
            raise ConfigurationError(f"a budget by name is a text, as in budget='20min'; got {self.budget!r}")
        if self.budget is not None and self.budget.unit != "minutes":
            raise ConfigurationError(f"the budget of an attack is in minutes, as in 20min; got {self.budget}")

    @classmethod
    def of(cls, **settings: Unpack[AttackSettings]) -> "AttackConfig":
        """A configuration from settings by name; ``budget`` may be a text, as on the command line.

        A name that is no setting raises ConfigurationError that lists the settings.
        """
        return configured(cls, "an attack", settings, {"budget": Budget.parse})
