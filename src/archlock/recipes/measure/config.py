"""What to measure of which architectures, in one frozen record."""

from dataclasses import dataclass, field

from archlock.errors import ConfigurationError
from archlock.recipes.checking import check_seed, check_whole
from archlock.recipes.measure.training_evidence import TrainingConfig
from archlock.recipes.proxy_evidence import ProxySettings
from archlock.spaces import SPACES


@dataclass(frozen=True, slots=True)
class MeasureConfig:
    """What to measure of which architectures."""

    space: str
    proxies: ProxySettings | None = field(default_factory=ProxySettings)
    """None: no proxies."""
    trainings: TrainingConfig | None = None
    """None: no trainings."""
    sample: int | None = None
    """So many architectures at random; None: the whole space."""
    seed: int = 0
    chunk: int = 8
    """Architectures that a worker gets at a time, and that are lost with it."""

    def __post_init__(self) -> None:
        check_whole(1, sample=self.sample, chunk=self.chunk)
        check_seed(self.seed)
        size = len(SPACES[self.space])
        if self.sample is not None and not 1 <= self.sample <= size:
            raise ConfigurationError(f"a sample of {self.space} has 1 to {size} architectures; got {self.sample}")
        if self.proxies is None and self.trainings is None:
            raise ConfigurationError("nothing is to be measured; ask for proxies, for trainings, or for both")
