"""What the terms of immunisation did: condition numbers of the features, and what heads get that do not know them."""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import nn

from archlock.errors import ConfigurationError
from archlock.models import features_before_head
from archlock.reports import ImmunityRecord
from archlock.seeding import derive_seed
from archlock.tasks import Split, Task
from archlock.training import (
    Spectrum,
    batches,
    best_immunisation,
    descended_head,
    evaluate,
    frozen_features,
    immunity,
    ridge_heads,
    spectrum,
    whitened_heads,
)

RIDGES: Final = (0.1, 10.0, 1e3, 1e6, 1e9)
PROBES: Final = {"plain descent, 100 steps": 100, "plain descent, 1,000 steps": 1000}


def immunity_record(before: nn.Module, after: nn.Module, own: Task, target: Task, *, seed: int) -> ImmunityRecord:
    """Of both models in evaluation mode, which are left as they were. All heads are chosen by validation."""
    both = before, after
    spectra = [(_spectrum(model, own), _spectrum(model, target)) for model in both]
    probes = [_probes(model, target, seed=derive_seed(seed, "immunity")) for model in both]
    (own_before, other_before), (own_after, other_after) = spectra
    grams = [(features.T @ features) for features in (_features(before, task.train) for task in (own, target))]
    try:
        best: float | None = best_immunisation(*grams)[1]
    except ConfigurationError:  # (a direction that one of the tasks does not know)
        best = None
    return ImmunityRecord(
        target=target.name,
        own_condition=(own_before.condition, own_after.condition),
        other_condition=(other_before.condition, other_after.condition),
        own_rank=(own_before.rank, own_after.rank),
        other_rank=(other_before.rank, other_after.rank),
        width=other_after.width,
        ratio=immunity(spectra[0], spectra[1]),
        best_ratio=best,
        probes={name: (probes[0][name], probes[1][name]) for name in probes[0]},
    )


def _spectrum(model: nn.Module, task: Task) -> Spectrum:
    return spectrum(_features(model, task.train))


def _features(model: nn.Module, split: Split) -> np.ndarray:
    """N x features, in double precision."""
    return torch.cat([features_before_head(model, batch.images) for batch in batches(split, 500)]).double().numpy()


def _probes(model: nn.Module, target: Task, *, seed: int) -> dict[str, float]:
    """Test accuracy of heads on the frozen features, by who fits them."""
    splits = [(_features(model, split), split.targets) for split in (target.train, target.validation, target.test)]
    found = {name: descended_head(*splits, outputs=target.outputs, steps=steps) for name, steps in PROBES.items()}
    read = frozen_features(model, target, seed=seed)
    heads: dict[str, tuple[tuple[float, ...], Callable[..., object] | None]] = {
        "L-BFGS": ((0.01, 0.1, 1.0, 10.0, 100.0), None),
        "ridge": (RIDGES, ridge_heads),
        "whitened": ((0.01, 0.1, 1.0, 10.0, 100.0), whitened_heads),
    }
    for name, (strengths, maker) in heads.items():
        found[name] = evaluate(read.probe(strengths, maker).model, target.test)  # type: ignore[arg-type]
    return found
