"""Training of the published predictor: pairs of architectures, many tasks, labels by vote.

Published: hidden layers 128-64-32-16 (or 256-64-32-16), binary cross entropy on logits, Adam at 0.05, halved every 5
epochs. Batch size, number of epochs and activation are not published: here they are settings, and ReLU. A learning rate
of 0.05 can kill all units of a layer; the report says so. Torch is imported only to train.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Float, Int8

from archlock.errors import MeasurementError
from archlock.preferences.ranker import Ranker, RankerReport, unit_length
from archlock.seeding import derive_seed, rng_for

_SAME_ANSWER: Final = 1e-4  # a spread of logits below this is one and the same answer to everything
_FEWEST: Final = 6
_REPORTED: Final = 64  # trained-on architectures that the report looks at


@dataclass(frozen=True, slots=True)
class RankerPlan:
    """How to train; the defaults are the published ones where there are any."""

    hidden: tuple[int, ...] = (128, 64, 32, 16)
    epochs: int = 20
    learning_rate: float = 0.05
    step: int = 5
    decay: float = 0.5
    batch: int = 512
    pairs: int = 50_000
    """Pairs sampled per epoch."""
    held_out: float = 0.1
    """Share of the architectures, at least two, that are kept for the report."""


@dataclass(frozen=True, slots=True, eq=False)
class MetaTraining:
    """What a ranker learns from, born valid (else :class:`~archlock.errors.MeasurementError`)."""

    encodings: Float[np.ndarray, "architectures features"]
    """At least two architectures."""
    votes: Int8[np.ndarray, "tasks rows columns"]
    """``votes[t, i, j]`` is 1 if architecture i beats j on task t, -1 if it loses, 0 undecided (not trained on)."""
    embeddings: Float[np.ndarray, "embedded dimensions"]
    """One per task; any length, only the direction counts."""

    def __post_init__(self) -> None:
        number = len(self.encodings)
        if number < 2:
            raise MeasurementError(f"a ranker learns from at least two architectures; got {number}")
        if self.votes.shape != (len(self.embeddings), number, number):
            raise MeasurementError(
                f"votes are tasks x architectures x architectures; got {self.votes.shape} for {len(self.embeddings)} "
                f"embedded tasks and {number} architectures"
            )
        if (self.votes != -self.votes.transpose(0, 2, 1)).any():
            raise MeasurementError("votes of (A, B) and (B, A) must be opposite; got some that are not")

    def of(self, rows: np.ndarray) -> "MetaTraining":
        """The same tasks with these architectures only."""
        return MetaTraining(self.encodings[rows], self.votes[:, rows[:, None], rows], self.embeddings)


def train_ranker(data: MetaTraining, plan: RankerPlan | None = None, *, seed: int) -> Ranker:
    """Meta-train over tasks; a share of the architectures is held out for the report. Same seed, same network.

    Too few architectures, or no decided pair among those trained on, raise :class:`~archlock.errors.MeasurementError`.
    """
    plan = plan or RankerPlan()
    number = len(data.encodings)
    if number < _FEWEST:
        raise MeasurementError(
            f"a ranker is trained on some architectures and judged on others, at least {_FEWEST} in all; got {number}"
        )
    shuffled = rng_for(seed, "binary ranker", "held out").permutation(number)
    kept_out = min(max(2, round(plan.held_out * number)), number - 2)
    held, rest = np.sort(shuffled[:kept_out]), np.sort(shuffled[kept_out:])
    tasks, winners, losers = np.nonzero(data.votes[:, rest[:, None], rest] > 0)
    if len(tasks) == 0:
        raise MeasurementError(
            f"the votes of {len(rest)} architectures on {len(data.votes)} tasks decide no pair, so there is nothing to "
            "learn; measure more, or other, proxies"
        )
    weights, biases = _fit(data, np.stack([tasks, rest[winners], rest[losers]], axis=1), plan, seed=seed)
    unreported = Ranker(weights, biases, RankerReport(0.5, 0.5, (), False))
    seen = rest[:: -(-len(rest) // _REPORTED)]
    return replace(unreported, report=_report(unreported, data.of(seen), data.of(held)))


def _fit(
    data: MetaTraining, pairs: np.ndarray, plan: RankerPlan, *, seed: int
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Weights and biases; ``pairs`` are rows of (task, winner, loser)."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, linear, relu

    from archlock.execution import one_thread

    rng = rng_for(seed, "binary ranker", "pairs")
    cells = torch.from_numpy(data.encodings.astype(np.float32))
    tasks = torch.from_numpy(np.stack([unit_length(embedding) for embedding in data.embeddings]))
    splits = [cells.shape[1], cells.shape[1], tasks.shape[1]]
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(derive_seed(seed, "binary ranker", "weights"))
        layers = [torch.nn.Linear(one, other) for one, other in pairwise((sum(splits), *plan.hidden, 1))]
        optimizer = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=plan.learning_rate)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, plan.step, plan.decay)
        for _ in range(plan.epochs):
            sampled = pairs[rng.integers(len(pairs), size=min(plan.pairs, 2 * len(pairs)))]
            flipped = rng.random(len(sampled)) < 0.5
            sampled[flipped] = sampled[flipped][:, [0, 2, 1]]
            labels = torch.from_numpy((~flipped).astype(np.float32))
            for start in range(0, len(sampled), plan.batch):
                task, first, second = torch.from_numpy(sampled[start : start + plan.batch].T)
                one, other, embedded = torch.split(layers[0].weight, splits, dim=1)
                # the first layer once per architecture and task, not once per pair: the same sum
                units = linear(cells, one)[first] + linear(cells, other)[second]
                units = units + linear(tasks, embedded, layers[0].bias)[task]
                for layer in layers[1:]:
                    units = layer(relu(units))
                optimizer.zero_grad()
                loss = binary_cross_entropy_with_logits(units[:, 0], labels[start : start + plan.batch])
                torch.autograd.backward(loss)
                optimizer.step()
            schedule.step()
    weights = tuple(np.ascontiguousarray(layer.weight.detach().numpy().T) for layer in layers)
    return weights, tuple(layer.bias.detach().numpy().copy() for layer in layers)


def _report(ranker: Ranker, seen: MetaTraining, held: MetaTraining) -> RankerReport:
    spread = np.ptp([ranker.logits(seen.encodings, seen.encodings, embedding) for embedding in seen.embeddings])
    return RankerReport(
        _agreement(ranker, seen),
        _agreement(ranker, held),
        ranker.living_units(seen.encodings, seen.embeddings[0]),
        not spread > _SAME_ANSWER,
    )


def _agreement(ranker: Ranker, data: MetaTraining) -> float:
    """Share of the decided pairs, in both orders, that the raw logits answer as voted (0.5 if none is decided)."""
    decided = right = 0
    for vote, embedding in zip(data.votes, data.embeddings, strict=True):
        says = np.where(ranker.logits(data.encodings, data.encodings, embedding) > 0, 1, -1)
        decided += int((vote != 0).sum())
        right += int((vote == says).sum())
    return right / decided if decided else 0.5
