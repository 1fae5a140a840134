"""How good a model, or each network of a stack, is on a split, by the score of the kind of task."""

import math
from collections.abc import Callable
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.execution import has_float64
from archlock.models import StackedNetwork
from archlock.tasks import KINDS, Scoring, Split
from archlock.training.batches import batches, looked_at
from archlock.training.kinds import LEARNING
from archlock.training.kinds.learning import Tally


class Answers(Tally):
    """Keeps the answered classes of a split, for a score that needs all of them."""

    def __init__(self, split: Split, scoring: Scoring) -> None:
        self.split, self.scoring = split, scoring
        self.answers: list[Tensor] = []

    def add(self, answers: Float[Tensor, "models n outputs"], targets: Tensor, exact: torch.dtype) -> None:
        """One batch, in the order of the split; of equal logits the first counts."""
        del targets, exact
        self.answers.append(answers.argmax(2))

    def scores(self) -> list[float]:
        """Of every model."""
        answered, split = torch.cat(self.answers, 1).cpu().numpy(), self.split
        return [self.scoring.of(one, split.targets, split.groups) for one in answered]


NOT_FINITE = "the answers of the model are not finite numbers; its training has diverged"


def evaluate(model: nn.Module, split: Split, *, device: str = "cpu") -> float:
    """Score in (-inf, 1], higher is better: the share of right answers, or that of another kind (``kinds``).

    The model must be on ``device``; it is used in evaluation mode and every module is left in the mode it was in.
    Answers that are not finite raise :class:`~archlock.errors.MeasurementError`.
    """
    (score,) = _scores(model, lambda images: model(images)[None], split, 500, device)
    if math.isnan(score):
        raise MeasurementError(NOT_FINITE)
    return score


def evaluate_copy(model: nn.Module, split: Split, *, device: str) -> float:
    """As :func:`evaluate`, by a copy on that device; the model stays where it is."""
    return evaluate(deepcopy(model).to(device), split, device=device)


@torch.no_grad()
def only_answer(model: nn.Module, split: Split, *, device: str) -> int | None:
    """The class that the model answers for every image of the split; None where it answers several, or pixels.

    As :func:`evaluate_copy`, by a copy in evaluation mode.
    """
    copy, found = deepcopy(model).to(device).eval(), set[int]()
    if not KINDS[split.kind].has_classes:
        return None
    for batch in batches(split, looked_at(500, split)):
        found |= set(copy(batch.to(device).images).argmax(1).tolist())
        if len(found) > 1:
            return None
    return found.pop()


def summed_in(device: str) -> torch.dtype:
    """In which precision sums of many numbers are taken on that device: double, where it has it."""
    return torch.float64 if has_float64(device) else torch.float32


def evaluate_stack(stack: StackedNetwork, split: Split, *, device: str = "cpu") -> tuple[float, ...]:
    """The score of each network, as :func:`evaluate` gives it; NaN where the answers are not finite."""
    return _scores(stack, lambda images: stack(images.repeat(1, len(stack), 1, 1)), split, 64, device)


@torch.no_grad()
def _scores(
    model: nn.Module, answers_to: Callable[[Tensor], Tensor], split: Split, batch_size: int, device: str
) -> tuple[float, ...]:
    """Of answers networks x N x outputs; nothing is read from the device before the end."""
    modes, exact = {module: module.training for module in model.modules()}, summed_in(device)
    model.eval()
    try:
        tally = LEARNING[split.kind].tally() if split.scoring is None else Answers(split, split.scoring)
        finite = torch.ones((), dtype=torch.bool)
        for batch in batches(split, looked_at(batch_size, split)):
            answers = answers_to(batch.images.to(device))
            finite = finite.to(device) & torch.isfinite(answers).flatten(1).all(1)
            tally.add(answers, batch.targets, exact)
    finally:
        for module, training in modes.items():
            module.training = training
    return tuple(score if good else math.nan for score, good in zip(tally.scores(), finite.tolist(), strict=True))
