"""Transferability estimates: how well a trained model suits a labelled target task, without training it there."""

from collections.abc import Sequence
from typing import Final

from torch import nn

from archlock.catalog import Catalog
from archlock.tasks import Task
from archlock.transferability.collapse import Collapse
from archlock.transferability.estimate import Estimate, Need
from archlock.transferability.features import Features
from archlock.transferability.gbc import Gbc
from archlock.transferability.h_score import HScore
from archlock.transferability.knn import Knn
from archlock.transferability.leep import Leep
from archlock.transferability.log_me import LogMe
from archlock.transferability.measuring import EstimateValue, none_of, values_of
from archlock.transferability.n_leep import NLeep
from archlock.transferability.nce import Nce
from archlock.transferability.reading import features_of
from archlock.transferability.state import LayerState, ModelState, state_of
from archlock.transferability.state_estimates import Conditioning, EffectiveRank
from archlock.transferability.state_measures import (
    Tunnel,
    condition_number,
    effective_rank,
    gradient_spread,
    neural_collapse,
    tunnel,
)
from archlock.transferability.trans_rate import TransRate

__all__ = [
    "ESTIMATES",
    "STATE_ESTIMATES",
    "Estimate",
    "EstimateValue",
    "Features",
    "Gbc",
    "Knn",
    "LayerState",
    "ModelState",
    "Need",
    "Tunnel",
    "condition_number",
    "effective_rank",
    "features_of",
    "gradient_spread",
    "measure_estimates",
    "neural_collapse",
    "state_of",
    "tunnel",
]

ESTIMATES: Final[Catalog[Estimate]] = Catalog(
    "transferability estimate",
    {
        estimate.name: estimate
        for estimate in (LogMe(), HScore(), Leep(), NLeep(), TransRate(), Gbc(), Knn(), Nce(), Collapse())
    },
)
"""Every estimate of how well features suit the labels of a target, by name."""

STATE_ESTIMATES: Final[Catalog[Estimate]] = Catalog(
    "estimate of the state of features", {estimate.name: estimate for estimate in (EffectiveRank(), Conditioning())}
)
"""Numbers that are read off the features of a target's images, whatever their labels; ``measure_estimates`` takes them
by name. What needs the whole model (tunnel, spread of gradients) is :attr:`ModelState.values`."""


def measure_estimates(
    model: nn.Module,
    task: Task,
    names: Sequence[str] = tuple(ESTIMATES),
    *,
    examples: int | None = None,
    seed: int,
    device: str = "cpu",
) -> tuple[EstimateValue, ...]:
    """Estimates by name of a trained model on the training split of a target task, in the order of the names.

    The features are read once, by :func:`features_of`, which raises for a model and a task that do not go together;
    an unknown name raises UnknownNameError before that. An estimate without a value says so in status and note, all of
    them on a task without classes. Names may be those of STATE_ESTIMATES, too.
    """
    estimates = {name: STATE_ESTIMATES[name] if name in STATE_ESTIMATES else ESTIMATES[name] for name in names}
    if not any(estimate.supports(task.kind) for estimate in estimates.values()):
        return none_of(estimates, task)
    return values_of(estimates, features_of(model, task, examples=examples, seed=seed, device=device), seed=seed)
