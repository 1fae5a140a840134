"""Rank all of NAS-Bench-201 on eleven tasks: the score model against the published pairwise loop, in one run.

    python benchmarks/rank_space.py

Prints seconds and the ratio. The loop (one forward pass per pair and task) is timed on 30 architectures and compared at
that size; its time for the whole space is an extrapolation by the number of pairs.
"""

import time

import numpy as np
import torch

from archlock.preferences import Column, EvidenceTable, MetaTraining, Ranker, RankerPlan, ScoreModel, train_ranker
from archlock.ranking import rank_percentiles
from archlock.spaces import SPACES, Architecture, Space

TASKS, MEASURED, SMALL, DIMENSIONS = 11, 150, 30, 2048


def main() -> None:
    space = SPACES["nasbench201"]
    rng = np.random.default_rng(0)
    everything = tuple(space.enumerate())
    sample = tuple(everything[i] for i in rng.choice(len(everything), MEASURED, replace=False))
    model = ScoreModel(_evidence(space, sample, rng), space)
    seconds = [_timed(lambda: rank_percentiles(model.scores(everything))) for _ in range(5)]
    ours = [_timed(lambda: rank_percentiles(model.scores(everything[:SMALL]))) for _ in range(5)]
    ranker = _ranker(space, sample, rng)
    tasks = rng.normal(size=(TASKS, DIMENSIONS))
    loop = _timed(lambda: _published_loop(ranker, space.encode(everything[:SMALL]), tasks))
    print(f"{len(everything)} architectures, {TASKS} tasks, score model: {np.median(seconds):.2f} s (median of 5)")
    print(f"{SMALL} architectures, {TASKS} tasks, score model: {1000 * np.median(ours):.1f} ms (median of 5)")
    ratio = loop / np.median(ours)
    print(f"{SMALL} architectures, {TASKS} tasks, published loop: {1000 * loop:.0f} ms; ratio {ratio:.0f}")
    print(f"whole space by the loop, extrapolated: {loop * (len(everything) / SMALL) ** 2 / 3600:.0f} hours")


def _evidence(space: Space, sample: tuple[Architecture, ...], rng: np.random.Generator) -> EvidenceTable:
    truth = space.features(sample) @ rng.normal(size=(space.features(sample[:1]).shape[1], 2 * TASKS))
    columns = tuple(Column(f"task {index // 2}", ("probe", "fine-tuning")[index % 2]) for index in range(2 * TASKS))
    return EvidenceTable(sample, columns, truth + rng.normal(size=truth.shape))


def _ranker(space: Space, sample: tuple[Architecture, ...], rng: np.random.Generator) -> Ranker:
    score = rng.normal(size=(2, len(sample)))
    votes = np.sign(score[:, :, None] - score[:, None, :]).astype(np.int8)
    data = MetaTraining(space.encode(sample), votes, rng.normal(size=(2, DIMENSIONS)))
    return train_ranker(data, RankerPlan(epochs=1), seed=0)


@torch.no_grad()
def _published_loop(ranker: Ranker, encodings: np.ndarray, tasks: np.ndarray) -> None:
    for task in tasks:
        for first in encodings:
            for second in encodings:
                ranker.logits(first[None], second[None], task)


def _timed(work: object) -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
