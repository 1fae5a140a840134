"""The part of a lock record about training as part of the lock: what was done, and the plainly trained beside it."""

from dataclasses import dataclass

from archlock.errors import RunError
from archlock.reports.record_parts import OutcomeRecord, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainModelRecord:
    """A model before its nontransferable training: scores of the plainly trained, and what became of each."""

    role: Role
    """Which of the models it is."""
    source_validation: tuple[float, ...]
    """Score of the plainly trained on the source's validation split, by training seed."""
    source_test: tuple[float, ...]
    """Score of the plainly trained on the source's test split, in the same order."""
    kept: tuple[int, ...]
    """The round of the nontransferable training that was released, by training seed; 0: given up, since no round kept
    the source floor or the training diverged, so the plainly trained network was released."""
    failed: tuple[str, ...]
    """Why a training diverged, in the same order; empty where it did not."""
    seconds: float
    """Wall-clock time of the nontransferable trainings."""

    def __post_init__(self) -> None:
        lengths = {len(self.source_validation), len(self.source_test), len(self.kept), len(self.failed)}
        if len(lengths) > 1 or 0 in lengths:
            raise RunError(
                f"the plain {self.role} model needs a validation and a test score, a round and a reason (or none) for "
                f"each training seed; got {len(self.source_validation)}, {len(self.source_test)}, {len(self.kept)} and "
                f"{len(self.failed)}"
            )

    @property
    def given_up(self) -> int:
        """For how many training seeds the training was given up."""
        return sum(round_kept == 0 for round_kept in self.kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class NontransferableRecord:
    """The training that followed the plain one. All models and outcomes of the lock record are of after it."""

    training: str
    """Name of the training, for example `ntl`."""
    paper: str
    """Where it was published."""
    summary: str
    """What it does, half a sentence that begins with a verb."""
    targets: tuple[str, ...]
    """Names of the tasks it trained against: all that the search saw, and no others."""
    known: bool
    """Whether these are the owner's, not simulated ones."""
    rounds: int
    """Rounds of the training, after each of which the source was judged: epochs of the plain training."""
    images: int
    """Images that passed forward and backward in one training, of the source and the targets: about as many as in the
    plain one. 0 where every training diverged."""
    models: tuple[PlainModelRecord, ...]
    """In the order of the roles."""
    outcomes: tuple[OutcomeRecord, ...] = ()
    """Attacks on the plainly trained, of all attackers who use the weights. For the others those of the lock record
    hold: they take only the architecture, or nothing."""
