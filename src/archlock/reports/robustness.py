"""The record of a robustness evaluation (``robustness.json``): at which epsilon which adversary beats which image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from archlock.errors import RunError
from archlock.records import write_json
from archlock.reports.reading import read_record
from archlock.reports.record_parts import TaskRecord
from archlock.reports.shares import Share, wilson

ROBUSTNESS_SCHEMA: Final = 1
"""The only schema number this version reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdversaryRecord:
    """What one adversary did to every image."""

    name: str
    """Of the catalog: `fgsm`, `pgd`, `apgd`, `square`."""
    paper: str
    """Whose method it is."""
    summary: str
    """What it does, in a few words that follow its name."""
    sees_gradients: bool
    """White box; else it only asks for answers."""
    beaten: tuple[int, ...]
    """Of each image: 0 if the model is wrong about it as it is, 1 if it is beaten at the first epsilon, and so on; one
    more than there are epsilons if it never is."""
    seconds: float
    """Time of all its work, summed over workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRecord:
    """One sign of masked gradients that was looked for."""

    name: str
    """`silent gradient`, `no fall at a huge epsilon`, `black box stronger` or `one step stronger`."""
    share: float
    """Of the images that were attacked or looked at, in [0, 1]."""
    limit: float
    """The share above which it is a sign."""
    seen: bool
    """Whether it is there."""
    words: str
    """What was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRecord:
    """An image before and after, as PNG in base64."""

    row: int
    """Of the image in the test split."""
    label: str
    """Its class."""
    answer: str
    """What the model says of the perturbed image."""
    adversary: str
    """Who perturbed it."""
    epsilon: float
    """How far."""
    image: str
    """As it is."""
    perturbed: str
    """As the model is wrong about it."""
    change: str
    """The difference, grey where there is none, full black and white at epsilon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessRecord:
    """What adversaries, who perturb images, take from a model. Born valid (else RunError)."""

    record: Literal["robustness"] = "robustness"
    """Says which kind of record this is."""
    schema: int = ROBUSTNESS_SCHEMA
    """Number of this schema."""
    created: str
    """ISO 8601 time."""
    seed: int
    """Root seed."""
    command: str
    """What was typed or called."""
    versions: dict[str, str]
    """Of Python and of the libraries, by name."""
    model: str
    """Name of the model."""
    origin: str
    """Where it was opened from, and how."""
    source: TaskRecord
    """The task that it was trained for."""
    rows: tuple[int, ...]
    """The images, as rows of the test split."""
    norm: Literal["linf", "l2"]
    """How epsilon is measured: the largest change of a value, or the root of the sum of squared changes."""
    epsilons: tuple[float, ...]
    """In shares of the range [0, 1] of images, rising."""
    steps: int
    """Of a climb along gradients."""
    restarts: int
    """Climbs from different beginnings."""
    queries: int
    """Answers that an adversary without gradients asked for, for one image, at most."""
    adversaries: tuple[AdversaryRecord, ...]
    """In the order of the catalog."""
    signs: tuple[SignRecord, ...] = ()
    """What was looked for that speaks of masked gradients."""
    notes: tuple[str, ...] = ()
    """What a reader must know, in sentences."""
    examples: tuple[ExampleRecord, ...] = ()
    """Images before and after."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage."""

    def __post_init__(self) -> None:
        if self.schema != ROBUSTNESS_SCHEMA:
            raise RunError(f"a robustness record of this version has schema {ROBUSTNESS_SCHEMA}; got {self.schema}")
        if not self.epsilons or not self.rows or not self.adversaries:
            raise RunError("a robustness record has at least one epsilon, one image and one adversary")
        if any(low >= high for low, high in pairwise(self.epsilons)) or self.epsilons[0] < 0:
            raise RunError(f"epsilons are 0 or above and rise; got {self.epsilons}")
        for one in self.adversaries:
            if len(one.beaten) != len(self.rows) or not all(0 <= at <= len(self.epsilons) + 1 for at in one.beaten):
                raise RunError(
                    f"{one.name} needs a number from 0 to {len(self.epsilons) + 1} for each of {len(self.rows)} images"
                )
            if self.epsilons[0] == 0 and 1 in one.beaten:
                raise RunError(f"{one.name} cannot beat an image at epsilon 0, where nothing is changed")
            if [at == 0 for at in one.beaten] != [at == 0 for at in self.adversaries[0].beaten]:
                raise RunError(f"{one.name} and {self.adversaries[0].name} differ on what is wrong without them")

    @property
    def worst(self) -> tuple[int, ...]:
        """Of each image, as ``beaten``, by whoever beats it at the smallest epsilon."""
        return tuple(min(places) for places in zip(*(one.beaten for one in self.adversaries), strict=True))

    @property
    def clean(self) -> Share:
        """Accuracy on the images as they are."""
        return wilson(sum(at > 0 for at in self.worst), len(self.rows))

    @property
    def masked(self) -> tuple[SignRecord, ...]:
        """The signs of masked gradients that are there."""
        return tuple(sign for sign in self.signs if sign.seen)

    def robust(self, beaten: Sequence[int]) -> tuple[Share, ...]:
        """Accuracy at each epsilon, where images are beaten there."""
        places = range(1, len(self.epsilons) + 1)
        return tuple(wilson(sum(at > place for at in beaten), len(self.rows)) for place in places)


def robustness_to_json(path: Path, record: RobustnessRecord) -> Path:
    """Write the record, whole or not at all."""
    return write_json(path, record)


def robustness_from_json(path: Path) -> RobustnessRecord:
    """Read what :func:`robustness_to_json` wrote; a missing, damaged or foreign file raises RunError that names it."""
    return read_record(path, RobustnessRecord, "robustness", ROBUSTNESS_SCHEMA)
