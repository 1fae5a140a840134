"""Against whom a model is hardened, how sparse, and how it is judged, in one frozen record."""

import math
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from archlock.adversaries import Ball, Norm
from archlock.errors import ConfigurationError
from archlock.recipes.before_after import PairedAttacks
from archlock.recipes.checking import check_seed, check_whole
from archlock.recipes.robustness.config import RobustnessConfig
from archlock.recipes.settings import configured
from archlock.training import Hardening, Plan


class HardenSettings(TypedDict, total=False):
    """The settings by name, for type checkers and editors; what each means, HardenConfig says."""

    epsilon: float | str
    norm: Norm
    sparsity: float
    condition: float
    sparse_shape: float
    epochs: int
    learning_rate: float
    adversary_steps: int
    flip: bool
    images: int
    steps: int
    queries: int
    adversaries: tuple[str, ...]
    immunise_own: float
    immunise_other: float
    attacks: PairedAttacks
    seed: int
    device: str


@dataclass(frozen=True, slots=True)
class HardenConfig:
    """Everything that changes the answer, besides model and data."""

    epsilon: float = 4 / 255
    """How far images may be changed, a share of the range [0, 1]; above 0."""
    norm: Norm = "linf"
    sparsity: float = 0.9
    """Share of the weights of convolutions and linear layers that become zero; 0: none."""
    condition: float = 0.1
    """Weight of the condition-number constraint in the loss; 0: none."""
    sparse_shape: float = 0.0
    """Weight of the sparse constraint in the loss; 0: none."""
    epochs: int = 20
    """Of both stages: dense, then sparse; without sparsity all are dense."""
    learning_rate: float = 0.05
    """Peak of the dense stage; the sparse one has half of it."""
    adversary_steps: int = 3
    """Steps of the adversary that the model is trained against."""
    flip: bool = False
    """Whether training images are mirrored at random; only where a mirror image means the same."""
    images: int = 1000
    """Most test images on which both models are judged."""
    steps: int = 100
    """Steps of the adversaries that judge."""
    queries: int = 1000
    """Answers that square may ask for, for one image."""
    adversaries: tuple[str, ...] = ()
    """Who judges; none: every one that knows the norm."""
    immunise_own: float = 0.3
    """Weight of the term for well-conditioned own features, where a model is immunised."""
    immunise_other: float = 0.3
    """Weight of the term for ill-conditioned features of the target."""
    attacks: PairedAttacks = field(default=PairedAttacks())
    """Who attacks both models and how hard, where there are targets."""
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        _ = self.hardening, self.judging
        if self.epsilon == 0:
            raise ConfigurationError(
                "epsilon 0 leaves the adversary nothing to change; give a share of the range [0, 1], as in 4/255"
            )
        check_whole(1, epochs=self.epochs, adversary_steps=self.adversary_steps)
        check_seed(self.seed)
        if self.sparsity and self.epochs < 2:
            raise ConfigurationError(f"a dense and a sparse stage take 2 epochs at least; got {self.epochs}")
        for name in ("immunise_own", "immunise_other"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigurationError(f"{name} is a weight, a finite number from 0 on; got {value!r}")
        _ = self.plans(64)

    @property
    def hardening(self) -> Hardening:
        """What the sparse stage does beside gradient descent."""
        ball = Ball(self.epsilon, self.norm)
        return Hardening(ball, self.adversary_steps, self.sparsity, condition=self.condition, shape=self.sparse_shape)

    @property
    def judging(self) -> RobustnessConfig:
        """How both models are judged: within half of epsilon, epsilon, and twice as much."""
        most = 1.0 if self.norm == "linf" else math.inf
        epsilons = dict.fromkeys(min(most, share * self.epsilon) for share in (0.5, 1, 2))
        return RobustnessConfig(
            epsilons=tuple(epsilons),
            adversaries=self.adversaries,
            norm=self.norm,
            images=self.images,
            steps=self.steps,
            queries=self.queries,
            seed=self.seed,
            device=self.device,
        )

    @property
    def stages(self) -> tuple[int, int]:
        """Epochs of the dense and of the sparse stage."""
        sparse = self.epochs // 2 if self.sparsity else 0
        return self.epochs - sparse, sparse

    def plans(self, examples: int) -> tuple[Plan, Plan]:
        """Of the dense and of the sparse stage, on so many images."""
        batch = min(64, max(8, examples // 8))
        dense = Plan(self.stages[0], batch_size=batch, learning_rate=self.learning_rate, flip=self.flip)
        return dense, Plan(max(1, self.stages[1]), batch, self.learning_rate / 2, flip=self.flip)

    @classmethod
    def of(cls, **settings: Unpack[HardenSettings]) -> "HardenConfig":
        """A configuration from settings by name; ``epsilon`` may be a text, as on the command line: ``4/255``.

        A name that is no setting raises ConfigurationError that lists the settings.
        """
        return configured(cls, "a hardening", settings, {"epsilon": parse_epsilon})


def parse_epsilon(text: str) -> float:
    """``4/255`` or ``0.016`` as a number; ConfigurationError for anything else, or several."""
    from archlock.recipes.robustness.config import parse_epsilons

    found = parse_epsilons(text)
    if len(found) != 1:
        raise ConfigurationError(f"a model is hardened against one epsilon, as in 4/255; got {text!r}")
    return found[0]
