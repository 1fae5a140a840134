"""Which methods to run on which pairs of a recorded table, in one frozen record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from archlock.errors import ConfigurationError
from archlock.extras import require
from archlock.recipes.checking import check_seed, check_whole
from archlock.recipes.evaluate.contenders import Contender


def parse_costs(texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """``edgegpu_latency_cifar10=4.3`` as a column and a value in its unit; anything else raises ConfigurationError."""
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            found.append((name.strip(), float(value)))
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise ConfigurationError(
                f"a limit on a recorded cost is written column=value, in the unit of the column, for example "
                f"edgegpu_latency_cifar10=4.3; got {text!r}"
            )
    return tuple(found)


def check_costs(limits: Sequence[tuple[str, float]]) -> None:
    """ConfigurationError for a value that is no amount, and for a column that is limited twice."""
    for name, value in limits:
        if not 0 < value < math.inf:
            raise ConfigurationError(f"the limit on {name} is a number above 0; got {value!r}")
    names = [name for name, _ in limits]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"a recorded cost is limited once; got {', '.join(names)}")


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """What to run. Born valid (else ConfigurationError)."""

    contenders: tuple[Contender, ...]
    pairs: str = "all"
    """``all``, or ``source:target`` separated by commas."""
    seeds: int = 20
    floor: float = 0.97
    """Source percentile to keep, as a share in [0, 1]."""
    trade_off: tuple[float, ...] = ()
    """Further floors to which the contenders are held, for the trade-off."""
    trade_off_seeds: int = 3
    seed: int = 0
    """Added to the number of every run."""
    parquet: bool = False
    """Write rows.parquet instead of rows.csv."""
    patterns: bool = True
    """Say which structures lock, by the truth of the table."""
    max_costs: tuple[tuple[str, float], ...] = ()
    """Columns of recorded costs, and the most of each that an architecture may have."""

    def __post_init__(self) -> None:
        check_whole(1, seeds=self.seeds, trade_off_seeds=self.trade_off_seeds)
        check_seed(self.seed)
        check_costs(self.max_costs)
        if self.parquet and find_spec("pyarrow") is None:
            raise ConfigurationError(
                "writing rows.parquet needs the package pyarrow, which is not installed; run: pip install "
                "'archlock[parquet]', or leave out --parquet: the CSV file has the same rows"
            )
        if any(contender.strategy == "nsga2" for contender in self.contenders):
            require("baselines", "the strategy nsga2")
        if not self.contenders or self.seeds < 1 or self.trade_off_seeds < 1:
            raise ConfigurationError("an evaluation needs at least one contender and one seed")
        if not all(0 <= floor < 1 for floor in (self.floor, *self.trade_off)):
            raise ConfigurationError(
                f"a source floor is a share of the table from 0 to below 1; got {(self.floor, *self.trade_off)}"
            )
        labels = [contender.label for contender in self.contenders]
        if len(set(labels)) < len(labels):
            raise ConfigurationError(f"contenders have different labels; got {', '.join(labels)}")
