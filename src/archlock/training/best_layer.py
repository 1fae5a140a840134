"""The place inside a model whose features serve a task best, found by ridge regressions on its validation split."""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from archlock.errors import MeasurementError
from archlock.models import POOLINGS, Classifier, Cut, Headed, Place, as_classifier, places, pooled
from archlock.tasks import Split, Task, check_images
from archlock.training.batches import batch_of, batches, looked_at
from archlock.training.closed_heads import ridge_weights
from archlock.training.kinds import LEARNING
from archlock.training.kinds.reading import rows_of, score_of_answers

RIDGES = (1e-3, 1e-1, 10.0)
"""Penalties that are tried, per example and standardised feature."""
WIDEST = 4096
"""Features of a place; one with more is looked at by a random projection to so many, and taken as it is."""


def at_best_layer(model: nn.Module, task: Task, *, seed: int, device: str = "cpu") -> Headed:
    """The front of a copy of ``model`` up to the place whose features foretell the targets of ``task`` best.

    The places and poolings of :mod:`~archlock.models.cutting` are compared by the validation score of a ridge
    regression onto the targets, each at its best penalty; of equally good ones the last counts, which is nearest to the
    head. The head is new and untrained (zero). A model that can be cut nowhere comes back whole, with its own head. A
    dense task raises :class:`~archlock.errors.UnsupportedError`.
    """
    check_images(task, "layers are compared by what is said of a whole image")
    ready = deepcopy(as_classifier(model, task.shape)).to(device)
    found = places(ready, batch_of(task.train.take([0])).images.to(device))
    if not found:
        return ready
    train, validation = (_features(ready, found, split, device) for split in (task.train, task.validation))
    scores = {
        (place, pooling): ridge_score(train[place.name, pooling], validation[place.name, pooling], task, seed)
        for place in found
        for pooling in POOLINGS
    }
    best = max(scores.values())
    place, pooling = [at for at, score in scores.items() if score == best][-1]
    body = Cut(ready, place, pooling)
    width = train[place.name, pooling].shape[1]
    with torch.random.fork_rng(devices=[]):
        head = nn.Linear(width, task.outputs)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return Classifier(body, head.to(device))


def _features(model: Headed, found: tuple[Place, ...], split: Split, device: str) -> dict[tuple[str, int], np.ndarray]:
    """Of every place and pooling, in one pass over the split."""
    parts: dict[tuple[str, int], list[Tensor]] = {(p.name, pooling): [] for p in found for pooling in POOLINGS}

    def look(name: str) -> Any:
        def hook(_: nn.Module, __: object, said: Tensor) -> None:
            for pooling in POOLINGS:
                parts[name, pooling].append(pooled(said, pooling).float().cpu())

        return hook

    handles = [model.get_submodule(p.name).register_forward_hook(look(p.name)) for p in found]
    modes = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad():
            for batch in batches(split, looked_at(250, split)):
                model(batch.images.to(device))
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes.items():
            module.training = training
    features = {at: torch.cat(rows).double().numpy() for at, rows in parts.items()}
    if not all(np.isfinite(rows).all() for rows in features.values()):
        raise MeasurementError("the features of the model are not finite numbers; its training has diverged")
    return features


def ridge_score(train: np.ndarray, validation: np.ndarray, task: Task, seed: int) -> float:
    """Best validation score of a ridge regression onto the targets, classes one-hot, over the penalties RIDGES.

    ``train`` and ``validation`` are features (images x features) of those splits of ``task``, in their order.
    """
    if train.shape[1] > WIDEST:
        projection = np.random.default_rng(seed).normal(size=(train.shape[1], WIDEST)) / np.sqrt(train.shape[1])
        train, validation = train @ projection, validation @ projection
    center, scale = train.mean(0), np.maximum(train.std(0), 1e-6)
    known, asked = (train - center) / scale, (validation - center) / scale
    fitting = rows_of(LEARNING[task.kind])
    wanted = fitting.wanted(task.train.targets, task.outputs)
    mean = wanted.mean(0)
    fitted = ridge_weights(known, wanted - mean, RIDGES)
    return max(score_of_answers(fitting, asked @ weights + mean, task.validation) for weights in fitted)
