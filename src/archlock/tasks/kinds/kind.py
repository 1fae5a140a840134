"""What a kind of task is, without torch: what its targets look like, what a score of it means, how a report speaks.

One file a kind. What needs torch (loss, score of a model, closed-form probe, Fisher information) is in the file of the
same name in ``archlock.training.kinds``. Nobody else asks which kind a task is: they ask the kind.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from archlock.tasks.forms import FORM_WORDS, Form
from archlock.tasks.stored.view import Rows

Kind = Literal["classification", "dense", "labels", "regression", "field"]
"""Names of the kinds, as records, files and fingerprints have them; the members are in ``archlock.tasks.KINDS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How reports and model cards speak of a kind. ``{classes}`` stands for the number of classes or labels."""

    score: str
    """What the score is called: ``accuracy``."""
    symbol: str = ""
    """What stands before a score; empty: the score is a share and is shown in percent."""
    counted: tuple[str, str] | None = None
    """What its outputs are called, one and several; None where nobody counts them."""
    short: str
    """The kind in a word or two: ``dense``."""
    long: str
    """The kind in a sentence; empty where the names of the classes say it."""
    metric: str
    """Name of the score in the front matter of a model card."""
    pipeline: str
    """Name of the kind there."""
    use: str
    """What a model of it does."""
    answer: str
    """What such a model returns."""

    def of(self, form: Form) -> "Words":
        """The words where the examples are of that form; Hugging Face has no name for what is done with signals."""
        if form == "image":
            return self
        said = FORM_WORDS[form].said
        size = self.answer.replace("height x width", "1 x length")
        return replace(self, long=said(self.long), use=said(self.use), answer=said(size), pipeline="other")


class TaskKind(ABC):
    """A kind of task. Members are stateless; one instance serves everybody."""

    name: ClassVar[Kind]
    words: ClassVar[Words]
    stored: ClassVar[tuple[str, int]]
    """Data type and number of axes of the targets of a split. No two kinds have the same."""
    floating: ClassVar[bool]
    """Whether the targets of a batch are floating-point tensors; they have as many axes as those of a split."""
    has_classes: ClassVar[bool] = False
    """Whether every example is of exactly one class. Then its score is the share of right answers."""
    dense: ClassVar[bool] = False
    """Whether a model answers for every pixel (N x outputs x H x W), and not for every image (N x outputs)."""
    protected: ClassVar[bool] = False
    """Whether such a task can be the source of a lock."""
    moves: ClassVar[bool] = True
    """Whether an image that is shifted or mirrored in training is still an example."""
    unit: ClassVar[str]
    """The unit of a score in the evidence store."""
    loss_unit: ClassVar[str]
    """The unit of a training loss there."""
    best: ClassVar[float] = 1.0
    """The best score there can be; higher is better, as everywhere."""
    least: ClassVar[float | None] = None
    """What a score counts at least in a report, since whoever has a worse one would rather answer a constant."""

    def holds(self, targets: Rows) -> bool:
        """Whether such an array holds targets of this kind."""
        return (targets.dtype.name, targets.ndim) == self.stored

    @abstractmethod
    def check(self, targets: Rows, images: Rows, classes: tuple[str, ...], where: str) -> None:
        """Raise TaskError where these cannot be the targets of these images; ``where`` names task and split."""

    @abstractmethod
    def outputs(self, targets: Rows, classes: tuple[str, ...]) -> int:
        """Numbers a model says about an image (a pixel, for a dense kind)."""

    @abstractmethod
    def chance(self, targets: Rows, classes: tuple[str, ...]) -> float:
        """Score of the best constant answer, by the targets of the training split."""

    def balance(self, targets: Rows, classes: tuple[str, ...]) -> tuple[float, ...]:
        """Share of every class or label among the examples; empty for a kind that has none."""
        return ()

    def taken(self, given: np.ndarray, where: str) -> np.ndarray:
        """Targets as a split holds them, of an array as somebody wrote it; TaskError where they cannot be."""
        return given

    def prepared(
        self,
        targets: Mapping[str, np.ndarray],
        classes: tuple[str, ...],
        where: str,
    ) -> tuple[Mapping[str, np.ndarray], tuple[str, ...]]:
        """Targets of all splits, which pass :meth:`check`, as they are learned; and what is to be said of them.

        TaskError where there is nothing to learn.
        """
        return targets, ()

    def strata(self, targets: Rows) -> np.ndarray | None:
        """What examples are drawn in proportion of: one whole number each; None: they are drawn uniformly."""
        return None

    def conformed(
        self,
        targets: Rows,
        fit: Callable[[Rows], Rows],
        size: tuple[int, int],
        where: str,
    ) -> Rows:
        """The targets where the images are changed by ``fit`` to that height and width, or to other channels.

        UnsupportedError where they cannot be; ``where`` names the task.
        """
        return targets
