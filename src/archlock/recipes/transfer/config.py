"""Which architectures to record transfer of, in what size, and how long everything is trained: one frozen record."""

import math
from dataclasses import dataclass

from archlock.adaptation import AdaptationSettings
from archlock.attacks import ATTACKS
from archlock.errors import ConfigurationError
from archlock.recipes.checking import check_seed, check_whole
from archlock.recipes.transfer.design import Design, check_design
from archlock.spaces import SPACES
from archlock.training import Plan


@dataclass(frozen=True, slots=True)
class TransferConfig:
    """Which architectures, in what size, how long everything is trained, and who adapts the trained models."""

    space: str = "nasbench201"
    architectures: int = 152
    """How many functions (``Space.simplify``), spread over the space as ``design`` says."""
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
    """Peak learning rate of trainings on a source."""
    target_rate: float = 0.1
    """Peak learning rate of fine-tunings and of trainings from scratch on a target, in batches of 32. Attackers have
    rates of their own."""
    seed: int = 0
    codes: tuple[str, ...] = ()
    """These architectures instead, for example rows of a table that are to be made again."""
    attackers: tuple[str, ...] = ()
    """Who adapts the source models (``archlock.attacks.ATTACKS``); none: one probe and one fine-tuning, at one setting
    each, and a training from scratch."""
    shots: int | None = None
    """Images of each class of a target that there are to train on; None: ``target_examples`` at most."""
    horizon: float = 4.0
    """How long attackers train at most, in multiples of ``target_epochs``, as long as it brings them anything."""
    ordinary_size: int = 270_000
    """Parameters of the network that the attacker ``ordinary`` trains: one for all architectures."""
    source_batch: int = 64
    source_shift: float = 0.0
    """Augmentation on a source: random shift, as a share of the side."""
    source_flip: bool = False
    """Augmentation on a source: mirror images; not for glyphs and signs."""
    source_clip: float | None = None
    """Largest norm of a gradient on a source; lets networks without normalisation train at the rate of the others."""
    design: Design = "cost"
    costs: tuple[float, float] = (0.0, math.inf)
    """Relative costs between which a balanced design chooses."""
    near: int | None = None
    """A balanced design chooses what is at most so many changes away from ``Space.sensible``."""

    def __post_init__(self) -> None:
        check_whole(1, architectures=self.architectures, seeds=self.seeds, side=self.side)
        check_whole(1, width=self.width, depth=self.depth, ordinary_size=self.ordinary_size)
        check_whole(1, source_epochs=self.source_epochs, target_epochs=self.target_epochs)
        check_whole(2, source_examples=self.source_examples, target_examples=self.target_examples)
        check_whole(1, shots=self.shots, near=self.near)
        check_seed(self.seed)
        _ = self.settings  # what no training can be done with is an error here
        if self.architectures > len(SPACES[self.space]):
            raise ConfigurationError(
                f"{self.space} has {len(SPACES[self.space])} architectures; got {self.architectures}: ask for fewer"
            )
        for code in self.codes:
            SPACES[self.space].architecture(code)  # what is no architecture is an error here
        check_design(self.design, self.costs, self.near, SPACES[self.space])
        self._check_attackers()

    def _check_attackers(self) -> None:
        for name in self.attackers:
            _ = ATTACKS[name]  # a name that is not known is an error here
        if len(set(self.attackers)) < len(self.attackers):
            raise ConfigurationError(f"name every attacker once; got {', '.join(self.attackers)}")
        if self.attackers and not any(ATTACKS[name].uses_weights for name in self.attackers):
            raise ConfigurationError(
                f"nobody of {', '.join(self.attackers)} starts from the source models' weights, so there is no "
                "transfer to record; add one who does, such as fine_tune"
            )
        if self.shots is not None and not self.attackers:
            raise ConfigurationError("shots are what attackers have to train on; name attackers, or leave shots out")
        if not 0 < self.horizon < math.inf:
            raise ConfigurationError(f"horizon is a number above 0; got {self.horizon}")

    @property
    def settings(self) -> AdaptationSettings:
        """Size of the networks and the two plans; on targets nothing is mirrored or shifted, for glyphs and signs."""
        return AdaptationSettings(
            self.width,
            self.depth,
            Plan(
                self.source_epochs,
                batch_size=self.source_batch,
                learning_rate=self.source_rate,
                shift=self.source_shift,
                flip=self.source_flip,
                clip=self.source_clip,
            ),
            Plan(self.target_epochs, batch_size=32, learning_rate=self.target_rate, shift=0.0),
        )
