"""The parts of a record: tasks, models, outcomes, costs. Documented with the records that hold them (``record``).

Accuracies are fractions in [0, 1]; for a dense task the score is R squared (at most 1, may be negative).
"""

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Literal

from archlock.errors import RunError
from archlock.records import LATER
from archlock.tasks import FORM_WORDS, Form, Kind

Scheme = Literal["s", "tk", "tu"]
Role = Literal["locked", "source_only", "random", "same_size", "nsga2"]
"""Which model: the locked one, the one an ordinary search for source accuracy alone would have given, a random one that
keeps the source floor, a random one that keeps it and has the size of the locked one, or what NSGA-II chose."""
ARMS: Final[tuple[Role, ...]] = ("random", "same_size", "nsga2")
"""The other architectures: what the lock took away counts only as far as they do not take it away as well."""
USUAL_ARMS: Final[tuple[Role, ...]] = ("random", "same_size")
"""Those chosen by lot, which a lock has unless others are asked for."""
Status = Literal["valid", "failed", "unsupported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """The source task: what the data were. ``skipped`` counts unreadable files that were left out."""

    name: str
    """As the run calls it; for a folder, the name of the folder."""
    origin: str
    """Where the data came from, in words."""
    fingerprint: str
    """Of the pixels, labels and splits: 16 hexadecimal digits."""
    kind: Kind
    """Whether it names classes or predicts every pixel."""
    classes: tuple[str, ...]
    """Names of the classes; empty for a dense task."""
    shape: tuple[int, int, int]
    """Channels, height, width."""
    examples: dict[str, int]
    """Number of examples in ``train``, ``validation`` and ``test``."""
    class_balance: tuple[float, ...] = ()
    """Share of each class in the training split, in the order of the classes; empty for a dense task."""
    skipped: int = 0
    """Unreadable files that were left out."""

    test_balance: tuple[float, ...] = field(default=(), metadata=LATER)
    """The same for the test split."""

    form: Form = field(default="image", metadata=LATER)
    """What an example is: `image` or `signal`; the shape of a signal is channels, 1, length."""
    mean: tuple[float, ...] = field(default=(), metadata=LATER)
    """Of measured values, the mean of every channel in the training split, in their units; empty for levels."""
    std: tuple[float, ...] = field(default=(), metadata=LATER)
    """The standard deviation, likewise."""
    scoring: str = field(default="", metadata=LATER)
    """How answers are scored, in words, where that is not as the kind has it: `macro F1 by group`."""
    constant_score: float | None = field(default=None, metadata=LATER)
    """What the best constant answer scores on the test split then, and where examples are of no one class."""

    @property
    def largest(self) -> str:
        """Name of the largest class, of the test split where its balance is known; empty for a dense task."""
        balance = self.test_balance or self.class_balance
        known = len(balance) == len(self.classes) > 0
        return self.classes[balance.index(max(balance))] if known else ""

    @property
    def constant(self) -> float:
        """What the best constant answer scores on the test split; without its balance, chance."""
        if self.constant_score is not None:
            return self.constant_score
        return max(self.test_balance, default=self.chance)

    @property
    def chance(self) -> float:
        """Score of the best constant answer: the largest class share; without classes what it scores, or 0."""
        if not self.class_balance and self.constant_score is not None:
            return self.constant_score
        return max(self.class_balance, default=1 / len(self.classes) if self.classes else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRecord:
    """The source floor that the locked architecture had to keep.

    ``accuracy_loss``: ``value`` is the largest allowed loss of source accuracy (0.01 = one point).
    ``percentile``: ``value`` in [0, 100] is the least predicted source percentile over the space.
    """

    kind: Literal["accuracy_loss", "percentile"]
    """What the value limits."""
    value: float
    """A share of accuracy, or a percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A trained model. ``source_validation`` and ``source_test``: one score per training seed, in the same order.

    Of an opened model that is no network of ours, ``space`` and ``official_string`` are empty, ``code`` is its name,
    ``width`` and ``depth`` are 0. Its source scores may be unknown: then both are empty.
    """

    role: Role
    """Which of the models it is."""
    space: str
    """Name of the space of architectures, for example `nasbench201`."""
    code: str
    """The architecture in the short code of its space."""
    official_string: str
    """The architecture as its benchmark writes it."""
    parameters: int
    """Number of weights."""
    multiply_adds: int
    """Of one image."""
    width: int
    """Channels after the stem."""
    depth: int
    """Cells in a row at one size of the images."""
    source_validation: tuple[float, ...]
    """Score on the source's validation split, by training seed."""
    source_test: tuple[float, ...]
    """Score on the source's test split, in the same order."""
    diverged: tuple[int, ...] = ()
    """Numbers, from 0, of the training seeds that have no score, since their training diverged."""
    source_percentile: float | None = None
    """In [0, 100]: share of the space that the preference model puts below this architecture on the source."""
    curve: tuple[float, ...] = ()
    """Source validation score after every epoch of the first training seed."""
    seconds: float = 0.0
    """Wall-clock time of all its trainings on the source."""
    origin: str = ""
    """Where an attacked model was opened, and how, in words; empty for the models of a lock run."""
    keeps_floor: bool | None = None
    """Of a random architecture: whether its first training kept the source floor, by validation; else `None`."""
    only_answer: str = field(default="", metadata=LATER)
    """Name of the class that it answers for every test image of the source; empty where it answers several."""

    @property
    def trainings(self) -> tuple[int, ...]:
        """Numbers of the training seeds that the source scores belong to, in their order."""
        every = range(len(self.source_test) + len(self.diverged))
        return tuple(number for number in every if number not in self.diverged)

    @property
    def architecture(self) -> str:
        """Space and code, as in ``nasbench201:421211``; the name alone of a network of no space of ours."""
        return f"{self.space}:{self.code}" if self.space else self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalistRecord:
    """An architecture that was trained on the source before the decision; validation scores only.

    ``target_gain`` is the mean measured score of the (simulated or named) targets the search was allowed to see.
    """

    code: str
    """The architecture in the short code of its space."""
    source_validation: tuple[float, ...]
    """Score on the source's validation split, by training seed."""
    target_gain: float | None = None
    """Mean of what was measured on the targets that the search saw; lower is a better lock."""
    per_target: dict[str, float] = field(default_factory=dict)
    """The same for each of these targets, by name."""
    note: str = ""
    """`locked`, `source-only`, both or empty: what was decided about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffPoint:
    """The best lock for one allowed source loss; ``estimated`` when no finalist was trained for it."""

    source_loss: float
    """Allowed loss of source validation score against the source-only model (0.01 = one point)."""
    code: str
    """The architecture that is best there, in the short code of its space."""
    source_validation: float
    """Its score on the source's validation split."""
    target_gain: float
    """Mean score that attackers reach with it on the targets that the search saw."""
    taken_away: float
    """Target gain of the source-only model minus that of this one: higher is a better lock."""
    estimated: bool = False
    """Whether its numbers are predictions, since no finalist was trained for this loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord:
    """A target task. ``examples`` counts its training examples (the attacker's data at fraction 1)."""

    name: str
    """As the outcomes call it."""
    origin: str
    """Where the data came from, in words."""
    kind: Kind
    """Whether it names classes or predicts every pixel."""
    classes: int
    """Number of classes; 0 for a dense task."""
    chance: float
    """Score of the best constant answer."""
    examples: int
    """Training examples at fraction 1."""
    seen_by_search: bool
    """Whether the search measured architectures on it."""
    simulated: bool
    """Whether it stands in for targets that nobody knows: made from the source's images, or drawn."""
    fingerprint: str = ""
    """Of the pixels, labels and splits; empty where it was not kept."""
    drawn: bool | None = None
    """Whether a simulated one was drawn, with nothing of the source's images in it; `null` where that was not kept."""
    same_as: str = field(default="", metadata=LATER)
    """`source`, or the name of an earlier target, where this one is the same data under another name; else empty."""
    images: int | None = field(default=None, metadata=LATER)
    """All its images, as far as single ones of them are images of the source; else `null`."""
    of_source: int | None = field(default=None, metadata=LATER)
    """How many of them are, pixel by pixel; `null` where none is, or where nobody could compare."""
    tests: int | None = field(default=None, metadata=LATER)
    """Images of its test split; `null` where that was not kept."""
    form: Form = field(default="image", metadata=LATER)
    """What an example is: `image` or `signal`."""
    scoring: str = field(default="", metadata=LATER)
    """How answers are scored, in words, where that is not as the kind has it."""

    @property
    def stand_in(self) -> str:
        """What a simulated target is, in words; empty for any other."""
        if not self.simulated:
            return ""
        made = f"made from the source's {FORM_WORDS[self.form]}"
        return {True: "drawn", False: made, None: "simulated from the source"}[self.drawn]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord:
    """One attack with one seed. ``validation`` and ``test`` are ``None`` exactly when the status is not valid."""

    defended: Role
    """Which model was attacked."""
    target: str
    """Name of a target of the same record."""
    attacker: str
    """Name of the attack, for example `fine_tune`."""
    fraction: float
    """Share in (0, 1] of the target's training examples that the attacker had."""
    seed: int
    """Number of the repetition, from 0; all models meet the same draws at the same number."""
    setting: str = ""
    """What the attacker chose, for example ``learning rate 0.03``."""
    validation: float | None
    """Score on the attacker's share of the target's validation split, by which the attacker chose."""
    test: float | None
    """Score on the target's test split, which was read once."""
    seconds: float = 0.0
    """Wall-clock time of the attack, with all that the attacker tried."""
    status: Status = "valid"
    """Whether there are scores, and why not."""
    note: str = ""
    """Why there is no score; empty where there is one."""
    shots: int | None = None
    """Training examples of each class that the attacker had, where they were counted so; `fraction` is their share."""
    horizon: float = 1.0
    """Length that the attacker's trainings were allowed, in multiples of the plan's epochs."""
    steps: int | None = None
    """Steps of the optimiser in the best trial, 0 for a probe; `None` where they were not counted."""
    curve: tuple[float, ...] = ()
    """Validation scores at even distances of these steps, the last at the end; empty where none were taken."""
    flops: int | None = None
    """Floating-point operations of that trial on its training images; `None` where they were not counted."""
    trial_seconds: float | None = None
    """Wall-clock time of that trial alone; `None` where it was not kept."""

    def __post_init__(self) -> None:
        numbers = self.validation is not None and self.test is not None
        none = self.validation is None and self.test is None
        if not (numbers if self.status == "valid" else none):
            raise RunError(
                f"outcome of {self.attacker} on {self.target}: a valid outcome has a validation and a test score and a "
                f"{self.status} one has neither; got validation {self.validation}, test {self.test}"
            )
        if self.horizon <= 0 or (self.shots is not None and self.shots < 1):
            raise RunError(
                f"outcome of {self.attacker} on {self.target}: the horizon is above 0 and shots are at least 1; got "
                f"{self.horizon} and {self.shots}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherRecord:
    """Further training of one model on more images of its own source: what an honest user gets who trains it on.

    The head is kept, all weights train, and the best of a few learning rates counts, by validation.
    """

    defended: Role
    """Which model was trained on."""
    seed: int
    """Number of the repetition, from 0; all models meet the same draws at the same number."""
    examples: int
    """Training images."""
    unseen: int
    """How many of them the model had not been trained on before."""
    before: float
    """Test score of the model as it was."""
    after: float
    """Test score after the further training, on the same images."""
    setting: str = ""
    """What was chosen, for example ``learning rate 0.01``."""
    seconds: float = 0.0
    """Wall-clock time of the training, with all that was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecord:
    """How many measurements of one kind were bought on one task, how many failed, and their cost."""

    measure: str
    """What was measured, for example `fine_tune`."""
    task: str
    """Name of the task it was measured on."""
    count: int
    """Measurements, with those that failed."""
    failed: int = 0
    """How many of them have no value."""
    seconds: float = 0.0
    """Working time of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRecord:
    """What was asked (in the user's words), what was planned from it, and what was spent."""

    asked: str
    """In the user's words, for example `20 minutes`."""
    planned: dict[str, float] = field(default_factory=dict)
    """What was planned from it, by name."""
    spent_seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds by stage, in order."""
    trainings: dict[str, int] = field(default_factory=dict)
    """Number of trainings by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file beside the report; ``path`` is relative to the run directory, ``what`` says what it is."""

    path: str
    """Relative to the run directory."""
    what: str
    """What the file is, in words."""

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or parts[0] == "/" or ".." in parts or ":" in self.path or "\\" in self.path:
            raise RunError(f"a file of a run is named by a path inside the run directory; got {self.path!r}")
