"""What is asked of a lock, in one frozen record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict, Unpack, get_args

from archlock.attacks import DEFAULT
from archlock.errors import ConfigurationError
from archlock.extras import require
from archlock.preferences import PREFERENCES, RECORDED_SOURCES, SATURATING
from archlock.recipes.attackers import check_attackers
from archlock.recipes.budget import Budget
from archlock.recipes.checking import check_names, check_seed, check_whole
from archlock.recipes.engine.settings import FEWEST_TRAININGS
from archlock.recipes.limits.record import NO_LIMITS, Limits
from archlock.recipes.lock.texts import PLAIN, parse_floor, training_named
from archlock.recipes.settings import configured
from archlock.records import LATER
from archlock.reports import ARMS, USUAL_ARMS, Role
from archlock.search import STRATEGIES, SourceFloor
from archlock.spaces import SPACES, levels_of_places
from archlock.tasks import SIMULATORS, Form
from archlock.training import AUGMENTATIONS, Augmentation, NontransferableTraining

Scheme = Literal["s", "tk", "tu"]
EvidenceKind = Literal["adaptation", "rehearsal", "zero_cost"]
ObjectiveKind = Literal["constrained", "published"]


STAND_INS: Final[Mapping[Form, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "image": (("shapes", "glyphs", "rotation"), ("textures", "jigsaw")),
    "signal": (("segments", "added_noise", "masked"), ("direction", "next_window")),
}
"""Simulated targets that the search sees where nobody asks for others, and those held out, for each form."""


class LockSettings(TypedDict, total=False):
    """The settings of a lock by name, for type checkers and editors; what each means, LockConfig says."""

    scheme: Scheme
    space: str
    evidence: EvidenceKind
    lessons: bool
    preference: str
    strategy: str
    evaluations: int | None
    objective: ObjectiveKind
    floor: SourceFloor | str
    budget: Budget | str
    simulated: tuple[str, ...]
    held_out: tuple[str, ...]
    keep_size: bool
    limits: Limits
    width: int
    depth: int
    finalists: int | None
    epochs: int | None
    patience: int | None
    flip: bool
    augmentation: Augmentation
    attack_seeds: int
    fractions: tuple[float, ...]
    panel: str
    attackers: tuple[str, ...]
    trials: int | None
    horizons: tuple[float, ...]
    shots: tuple[int, ...]
    curves: bool
    arms: tuple[Role, ...]
    train: str
    peep: bool
    demo: bool
    seed: int
    device: str


@dataclass(frozen=True, slots=True)
class LockConfig:
    """What is asked of a lock. Everything that changes the answer, besides the data, is here and nothing else."""

    scheme: Scheme = "tu"
    """``s``: source only. ``tk``: the targets are known. ``tu``: the targets are unknown, simulated ones stand in."""
    space: str = "nasbench201"
    evidence: EvidenceKind = "adaptation"
    """``adaptation``: short trainings, adapted to known targets. ``rehearsal``: the same, attacked by those who mean it
    with as few examples as the attackers will have. ``zero_cost``: no training before the finalists."""
    lessons: bool = field(default=False, metadata=LATER)
    """Whether recorded trainings of the space (``RECORDED_SOURCES``) say beforehand which architectures may train well
    on the source; not with ``zero_cost``. Worth it where the source is like the recorded ones: a useless lesson costs
    about what a good one brings."""
    preference: str = "score_model"
    """What learns from proxies. This and the next three are for ``zero_cost``; another value is refused without it."""
    strategy: str = "exhaustive"
    """What searches the scores that proxies foretell."""
    evaluations: int | None = None
    """Architectures that the strategy may judge; None: as many as there are candidates."""
    objective: ObjectiveKind = "constrained"
    """``constrained``: least for the attackers above the source floor. ``published``: T_rank - 2 S_rank."""
    floor: SourceFloor = SourceFloor("accuracy_loss", 0.01)
    budget: Budget = Budget(20, "minutes")
    simulated: tuple[str, ...] = STAND_INS["image"][0]
    """Simulated targets that the search sees (scheme TU). On small natural images these can be learned in a short
    fine-tuning, so architectures differ on them; jigsaw stays near chance there. For signals others
    stand in (``STAND_INS``)."""
    held_out: tuple[str, ...] = STAND_INS["image"][1]
    """Simulated targets kept sealed for the attackers when the owner names no targets to be attacked on."""
    keep_size: bool = False
    """Keep the size of the source's images, whatever the budget pays."""
    limits: Limits = field(default=NO_LIMITS, metadata=LATER)
    """The most that a released model may cost."""
    width: int = 16
    depth: int = 1
    finalists: int | None = field(default=None, metadata=LATER)
    """Full trainings that each search has before it confirms its choice; None: worked out from the budget."""
    epochs: int | None = None
    patience: int | None = None
    """Stop a full training after so many epochs without a better validation score; None: train to the end."""
    flip: bool = False
    augmentation: Augmentation = field(default="auto", metadata=LATER)
    """What images of full trainings are changed by: ``shift``, ``photographs`` (random windows, mirroring, colours), or
    ``auto``: the latter from 96 pixels on."""
    attack_seeds: int = 3
    fractions: tuple[float, ...] = (0.1, 1.0)
    panel: str = field(default=DEFAULT, metadata=LATER)
    """Who attacks in the end: ``naive`` (what a tutorial does), ``informed``, ``patient`` (until they stop improving),
    or ``all``."""
    attackers: tuple[str, ...] = field(default=(), metadata=LATER)
    """Those instead of the panel's."""
    trials: int | None = field(default=None, metadata=LATER)
    """Settings that each attacker tries (rate, optimiser) with the first seed; None: their own sweep."""
    horizons: tuple[float, ...] = field(default=(), metadata=LATER)
    """The longest trainings, in multiples of their epochs, instead of the panel's."""
    shots: tuple[int, ...] = field(default=(), metadata=LATER)
    """Examples of each class that attackers get, beside the fractions."""
    curves: bool = field(default=False, metadata=LATER)
    """Whether attackers are watched, so that the report says what it costs them to get anywhere."""
    arms: tuple[Role, ...] = field(default=USUAL_ARMS, metadata=LATER)
    """Other architectures that are trained and attacked like the lock: by lot above the floor (``random``), one of the
    locked one's size (``same_size``), what NSGA-II chooses with as many trainings (``nsga2``); all, some, or none."""
    train: str = field(default=PLAIN, metadata=LATER)
    """How what is released is trained: ``plain``, or ``nontransferable:ntl`` (or another name) against the targets that
    the search may know, after a plain training."""
    peep: bool = field(default=False, metadata=LATER)
    """Whether the report says how well observers read the locked and the source-only network while they run."""
    demo: bool = False
    seed: int = 0
    device: str = "cpu"

    @property
    def nontransferable(self) -> NontransferableTraining | None:
        """The training that follows the plain one; None: none does."""
        return training_named(self.train)

    def stand_ins_for(self, form: Form) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Simulated targets that the search sees, and those that are held out, for a source of that form.

        Where nobody asked for others, signals have their own.
        """
        usual, own = STAND_INS["image"], STAND_INS[form]
        pairs = zip((self.simulated, self.held_out), usual, own, strict=True)
        seen, held_out = (given if given != said else instead for given, said, instead in pairs)
        return seen, held_out

    def __post_init__(self) -> None:
        for name, value, known in (
            ("scheme", self.scheme, get_args(Scheme)),
            ("evidence", self.evidence, get_args(EvidenceKind)),
            ("objective", self.objective, get_args(ObjectiveKind)),
            ("augmentation", self.augmentation, AUGMENTATIONS),
        ):
            if value not in known:
                raise ConfigurationError(f"unknown {name} {value!r}; known: {', '.join(known)}")
        self._check_numbers()
        if self.nontransferable is not None and self.scheme == "s":
            raise ConfigurationError(
                f"train {self.train!r} needs targets to be hard for, and scheme s knows none; use scheme tu (simulated "
                "ones) or tk (yours)"
            )
        for name, chosen, members in (
            ("simulated", self.simulated, SIMULATORS),
            ("held_out", self.held_out, SIMULATORS),
            ("arms", self.arms, ARMS),
        ):
            check_names(name, chosen, members)
        if not set(self.arms) <= set(ARMS) or len(set(self.arms)) < len(self.arms):
            raise ConfigurationError(
                f"the arms of a lock are {', '.join(ARMS)}, each once at most, or none; got {', '.join(self.arms)}"
            )
        for catalog, chosen in (
            (SPACES, (self.space,)),
            (PREFERENCES, (self.preference,)),
            (STRATEGIES, (self.strategy,)),
            (SIMULATORS, (*self.simulated, *self.held_out)),
        ):
            for name in chosen:
                catalog[name]  # an unknown name is an error before anything is bought
        if self.evidence != "zero_cost":
            self._refuse_what_only_proxies_need()
        self._check_lessons()
        if self.strategy == "nsga2":
            require("baselines", "the strategy nsga2")
        if "nsga2" in self.arms:
            self._check_rival()
        if self.preference == SATURATING:
            raise ConfigurationError(
                f"the preference {SATURATING!r} learns from accuracies, and there is none without trainings; use "
                "score_model or binary_ranker (or saturating with archlock evaluate)"
            )
        if self.preference == "vote":
            raise ConfigurationError(
                "the preference 'vote' knows measured architectures only, and a lock searches the whole space; use "
                "score_model or binary_ranker"
            )

    def _check_lessons(self) -> None:
        if self.lessons and self.evidence == "zero_cost":
            raise ConfigurationError(
                "lessons shape what trainings are expected to bring, and evidence zero_cost has none before the "
                "finalists; take evidence adaptation or rehearsal, or leave out lessons"
            )
        if self.lessons and self.space not in RECORDED_SOURCES:
            raise ConfigurationError(
                f"there are no recorded trainings of {self.space} to learn from; there are of: "
                f"{', '.join(RECORDED_SOURCES)} (or leave out lessons)"
            )

    def _check_rival(self) -> None:
        if self.scheme == "s" or self.evidence == "zero_cost":
            raise ConfigurationError(
                "the arm nsga2 trades the source for targets by trainings; it needs scheme tk or tu and evidence "
                "adaptation or rehearsal (or take another arm: random, same_size)"
            )
        if not levels_of_places(SPACES[self.space]):
            raise ConfigurationError(
                f"the arm nsga2 breeds codes of a fixed number of digits, and {self.space} has codes of several "
                "lengths; take another arm (random, same_size) or another space"
            )
        require("baselines", "the arm nsga2")

    def _check_numbers(self) -> None:
        """What cannot be meant is an error here, not when its turn comes."""
        if not isinstance(self.budget, Budget) or not isinstance(self.floor, SourceFloor):
            raise ConfigurationError(
                "a budget and a floor by name are texts, as in budget='20min' and floor='1'; got "
                f"{self.budget!r} and {self.floor!r}"
            )
        if not isinstance(self.limits, Limits):
            raise ConfigurationError(f"limits are an archlock.Limits(...); got {self.limits!r}")
        check_whole(1, width=self.width, depth=self.depth, epochs=self.epochs, patience=self.patience)
        check_whole(1, attack_seeds=self.attack_seeds, evaluations=self.evaluations)
        check_whole(FEWEST_TRAININGS, finalists=self.finalists)
        if self.finalists is not None and self.budget.unit == "trainings" and self.finalists > self.budget.amount:
            raise ConfigurationError(
                f"{self.finalists} full trainings are asked for, and a budget of {self.budget} has fewer candidates; "
                "give a larger --budget, or fewer --finalists"
            )
        check_seed(self.seed)
        check_attackers(self)

    def _refuse_what_only_proxies_need(self) -> None:
        """Trainings are bought and judged by the engine; how scores of proxies are searched has no place there."""
        for name, value, usual in (
            ("preference", self.preference, "score_model"),
            ("strategy", self.strategy, "exhaustive"),
            ("evaluations", self.evaluations, None),
            ("objective", self.objective, "constrained"),
        ):
            if value != usual:
                raise ConfigurationError(
                    f"the {name} {value!r} is for what proxies foretell, and evidence {self.evidence} has its own "
                    f"search; use it with evidence zero_cost, or leave {name} as it is ({usual})"
                )

    @classmethod
    def of(cls, **settings: Unpack[LockSettings]) -> "LockConfig":
        """A configuration from settings by name; ``budget`` and ``floor`` may be texts, as on the command line.

        A name that is no setting raises ConfigurationError that lists the settings.
        """
        return configured(cls, "a lock", settings, {"budget": Budget.parse, "floor": parse_floor})
