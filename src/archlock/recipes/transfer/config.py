"""Which architectures to record transfer of, in what size, and how long everything is trained: one frozen record."""

from dataclasses import dataclass

from archlock.adaptation import AdaptationSettings
from archlock.errors import ConfigurationError
from archlock.recipes.checking import check_seed, check_whole
from archlock.spaces import SPACES
from archlock.training import Plan


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """Which architectures, in what size, and how long everything is trained."""

    space: str = "nasbench201"
    architectures: int = 152
    """How many functions (``Space.simplify``), spread over size and kind."""
    seeds: int = 1
    width: int = 8
    depth: int = 1
    side: int = 12
    """Height and width of all images; grey ones get three channels."""
    source_examples: int = 2000
    source_epochs: int = 12
    target_examples: int = 800
    target_epochs: int = 8
    source_rate: float = 0.2
    """Peak learning rate of trainings on a source, in batches of 64."""
    target_rate: float = 0.1
    """Peak learning rate of fine-tunings and of trainings from scratch on a target, in batches of 32."""
    seed: int = 0
    codes: tuple[str, ...] = ()
    """These architectures instead, for example rows of a table that are to be made again."""

    def __post_init__(self) -> None:
        check_whole(1, architectures=self.architectures, seeds=self.seeds, side=self.side)
        check_whole(1, width=self.width, depth=self.depth)
        check_whole(1, source_epochs=self.source_epochs, target_epochs=self.target_epochs)
        check_whole(2, source_examples=self.source_examples, target_examples=self.target_examples)
        check_seed(self.seed)
        _ = self.settings  # what no training can be done with is an error here
        if self.architectures > len(SPACES[self.space]):
            raise ConfigurationError(
                f"{self.space} has {len(SPACES[self.space])} architectures; got {self.architectures}: ask for fewer"
            )
        for code in self.codes:
            SPACES[self.space].architecture(code)  # what is no architecture is an error here

    @property
    def settings(self) -> AdaptationSettings:
        """Size of the networks and the two plans; nothing is mirrored or shifted, for glyphs and signs."""
        return AdaptationSettings(
            self.width,
            self.depth,
            Plan(self.source_epochs, batch_size=64, learning_rate=self.source_rate, shift=0.0),
            Plan(self.target_epochs, batch_size=32, learning_rate=self.target_rate, shift=0.0),
        )
