"""How a training is done: every hyper-parameter, frozen, so that a plan's fingerprint names a fidelity."""

import math
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

from archlock.errors import ConfigurationError
from archlock.execution import kind_of
from archlock.records import LATER, fingerprint

Augmentation = Literal["auto", "shift", "photographs"]
AUGMENTATIONS: Final[tuple[Augmentation, ...]] = get_args(Augmentation)
"""What training images are changed by: small shifts, what is usual for photographs, or one of these by their size."""

PHOTOGRAPHS: Final = 96
"""Pixels of the smaller side from which on images are taken for photographs."""

FEWEST: Final = 6
"""Examples of a batch at least, unless a plan has fewer. More of 224 pixels take more than 1 GiB in a cell of
convolutions alone at width 16, and there is a worker for each processor."""

Precision = Literal["float32", "bfloat16"]
Optimiser = Literal["sgd", "adamw"]


def precision_on(device: str) -> Precision:
    """What trainings are best computed in on that device: bfloat16 on CUDA, float32 elsewhere."""
    return "bfloat16" if kind_of(device) == "cuda" else "float32"


@dataclass(frozen=True, slots=True)
class Plan:
    """Gradient descent with linear warm-up and a cosine schedule, per step.

    The recipe of NAS-Bench-201 (Dong and Yang 2020, table 1) with smaller batches and a warm-up, for small data.
    """

    epochs: int
    batch_size: int = 64
    learning_rate: float = 0.1
    """Peak, after the warm-up."""
    momentum: float = 0.9
    """Of Nesterov; for adamw the decay of the mean gradient (beta 1)."""
    weight_decay: float = 5e-4
    """Not applied to one-dimensional parameters (normalisation and bias). sgd adds it, times the weights, to the
    gradient; adamw shrinks the weights by it, times the learning rate, apart from the gradient (Loshchilov and Hutter
    2019)."""
    warmup: float = 0.1
    """Share of all steps."""
    label_smoothing: float = 0.0
    shift: float = 0.125
    """Augmentation: random shift of each training image by up to this share of its size, edges repeated."""
    flip: bool = False
    """Augmentation: random left-right mirroring; only for data where a mirror image means the same."""
    patience: int | None = None
    """Stop after that many epochs without a better validation score and keep the best weights; None: keep the last."""
    precision: Precision = "float32"
    """What the forward and backward pass compute in; the weights stay float32."""
    optimiser: Optimiser = field(default="sgd", metadata=LATER)
    """``sgd``: stochastic gradient descent with Nesterov momentum. ``adamw``: Adam with decoupled weight decay, beta 2
    0.999, epsilon 1e-8; its good learning rates are about 30 times smaller."""
    watch: bool = field(default=False, metadata=LATER)
    """Take the validation score after every epoch, with or without ``patience``, and count the floating-point
    operations. It changes nothing of the training."""
    clip: float | None = field(default=None, metadata=LATER)
    """Largest norm of a step's gradient over all weights; None: any. Not for trainings of many at once."""

    crop: float | None = field(default=None, metadata=LATER)
    """Augmentation: a window of this share of the image's area at least, of a form between 3:4 and 4:3, scaled to the
    size of the image (Szegedy et al. 2015, section 6). None: none. It takes the place of ``shift``."""
    colour: float = field(default=0.0, metadata=LATER)
    """Augmentation: brightness, contrast and saturation are changed by factors of 1 - ``colour`` to 1 + ``colour``
    (Krizhevsky et al. 2012, in the form of torchvision's ColorJitter, always in this order)."""

    def __post_init__(self) -> None:
        if (self.crop is not None and not 0 < self.crop <= 1) or not 0 <= self.colour < 1:
            raise ConfigurationError(
                f"a plan needs a crop of more than 0 and at most 1 (or None) and 0 <= colour < 1; got {self.crop} and "
                f"{self.colour}"
            )
        if self.epochs < 1 or self.batch_size < 2:
            raise ConfigurationError(
                f"a plan needs at least 1 epoch and batches of 2; got {self.epochs} and {self.batch_size}"
            )
        if not 0 < self.learning_rate < math.inf or not 0 <= self.warmup < 1 or not 0 <= self.shift < 1:
            raise ConfigurationError(
                "a plan needs learning_rate > 0, 0 <= warmup < 1 and 0 <= shift < 1; got "
                f"{self.learning_rate}, {self.warmup}, {self.shift}"
            )
        if not 0 <= self.momentum < 1 or not 0 <= self.weight_decay < math.inf or not 0 <= self.label_smoothing < 1:
            raise ConfigurationError(
                "a plan needs 0 <= momentum < 1, weight_decay >= 0 and 0 <= label_smoothing < 1; got "
                f"{self.momentum}, {self.weight_decay}, {self.label_smoothing}"
            )
        if self.clip is not None and not 0 < self.clip < math.inf:
            raise ConfigurationError(f"clip is a norm above 0, or None to clip nothing; got {self.clip}")
        if self.patience is not None and self.patience < 1:
            raise ConfigurationError(f"patience is at least 1 epoch, or None for all epochs; got {self.patience}")
        if self.precision not in get_args(Precision):
            raise ConfigurationError(f"precision is float32 or bfloat16; got {self.precision!r}")
        if self.optimiser not in get_args(Optimiser):
            raise ConfigurationError(f"optimiser is sgd or adamw; got {self.optimiser!r}")

    def with_rate(self, learning_rate: float) -> "Plan":
        """The same plan at another peak learning rate."""
        return replace(self, learning_rate=learning_rate)

    @property
    def fidelity(self) -> str:
        """Name of this way of training in the evidence store."""
        return f"{self.optimiser}-{self.epochs}-{fingerprint(self)[:8]}"


def for_photographs(plan: Plan, size: tuple[int, int], augmentation: Augmentation = "auto") -> Plan:
    """The plan with what is usual for photographs where images of that height and width are taken for such.

    Random windows of a quarter of the area at least, mirroring, and colours changed by up to 0.4. Deviation from the
    usual 0.08 of the area: that is for hundreds of epochs, and trainings here have some tens.
    """
    if augmentation == "shift" or (augmentation == "auto" and min(size) < PHOTOGRAPHS):
        return plan
    return replace(plan, shift=0.0, flip=True, crop=0.25, colour=0.4)


def sized_for(plan: Plan, size: tuple[int, int]) -> Plan:
    """The plan for images of that height and width, with batches whose feature maps fit in memory.

    Below ``PHOTOGRAPHS`` pixels the plan itself; from there on batches have as many pixels as half a batch of that
    size, but at least ``FEWEST`` examples (of which statistics over a batch have as many pixels as of hundreds of small
    images). The learning rate goes with the size of the batch (Goyal et al. 2017).
    """
    if min(size) < PHOTOGRAPHS:
        return plan
    fitting = plan.batch_size * PHOTOGRAPHS**2 // (2 * size[0] * size[1])
    count = min(plan.batch_size, max(fitting, FEWEST))
    return replace(plan, batch_size=count, learning_rate=plan.learning_rate * count / plan.batch_size)
