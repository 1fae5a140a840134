"""Which methods to run on which pairs of a recorded table, in one frozen record."""

from dataclasses import dataclass
from importlib.util import find_spec

from archlock.errors import ConfigurationError
from archlock.extras import require
from archlock.recipes.checking import check_seed, check_whole
from archlock.recipes.evaluate.contenders import Contender


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

    def __post_init__(self) -> None:
        check_whole(1, seeds=self.seeds, trade_off_seeds=self.trade_off_seeds)
        check_seed(self.seed)
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
