"""Further training: what an honest user gets who trains a released model on with more images of its own source.

A lock that made the model useless for that would cost its owner's customers more than accuracy ("trainability", one of
the four conditions of immunisation, Rosati et al. 2024). The user keeps the head, trains all weights, and tries a few
small learning rates. They are no attacker, so they have one way and no search.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from archlock.evidence import EvidenceStore
from archlock.progress import Progress
from archlock.recipes.attackers import Suite, attack_plan
from archlock.recipes.suite import run_suite
from archlock.recipes.suite_jobs import Defended
from archlock.reports import FurtherRecord
from archlock.tasks import Task
from archlock.training import evaluate_copy

RATES: Final = (0.05, 0.01, 0.002)
"""Learning rates to choose from, by validation; smaller than an attacker's, for the task is the same."""

MOST_EXAMPLES: Final = 4000
"""Images that an honest user of a lock has to train on, at most: who has more than that trains their own network."""


def full_further_trainings(seeds: int) -> int:
    """Work on one model, in trainings on all images that are given."""
    return len(RATES) + seeds - 1


def further_training(
    defended: Sequence[Defended],
    more: Task,
    *,
    unseen: int | None = None,
    epochs: int | None = None,
    seeds: int,
    store: EvidenceStore,
    progress: Progress,
    workers: int,
    seed: int,
    device: str,
) -> tuple[FurtherRecord, ...]:
    """Train every model on with the training split of ``more``; its test split measures it before and after.

    ``more`` is the task of the models, with its classes in the order of their outputs; ``unseen`` of its training
    images (None: all) are new to them. ``epochs`` is the most that they train, as for how long the models themselves
    were trained (None: as long as an attacker). Nothing for a dense task, and nothing of a training that failed.
    """
    if not more.traits.has_classes:
        return ()
    plan = attack_plan(len(more.train), size=more.shape[1:])
    plan = plan if epochs is None else replace(plan, epochs=min(plan.epochs, epochs))
    suite = Suite(plan, ("direct",), (1.0,), seeds, rates=RATES)
    outcomes = run_suite(
        defended,
        {more.name: more},
        suite,
        store=store,
        progress=progress,
        workers=workers,
        seed=seed,
        device=device,
        stage="further training",
    )
    scores = {one.role: [evaluate_copy(model, more.test, device=device) for model in one.models] for one in defended}
    before = {
        (one.role, seed): scores[one.role][place]
        for one in defended
        for seed in range(seeds)
        for place, model in enumerate(one.models)
        if model is one.copy_for(seed)
    }
    return tuple(
        FurtherRecord(
            defended=outcome.defended,
            seed=outcome.seed,
            examples=len(more.train),
            unseen=len(more.train) if unseen is None else unseen,
            before=before[outcome.defended, outcome.seed],
            after=outcome.test,
            setting=outcome.setting,
            seconds=outcome.seconds,
        )
        for outcome in outcomes
        if outcome.test is not None
    )
