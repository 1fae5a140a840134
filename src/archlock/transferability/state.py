"""The state of a trained model, layer by layer: what is left in it for another task, without training it there.

It describes a model and foretells nothing by itself: a folded and rescaled network has another state and is worth the
same to attackers who know (see :mod:`~archlock.models.rebalancing`).
"""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from torch import nn

from archlock.errors import ConfigurationError, MeasurementError
from archlock.models import as_classifier
from archlock.tasks import Task, check_classes, subsample
from archlock.training import ridge_score
from archlock.transferability.layer_reading import LayerReading, gradient_ratios, read_layers, shown
from archlock.transferability.measuring import EstimateValue
from archlock.transferability.state_measures import (
    Tunnel,
    condition_number,
    effective_rank_of,
    gradient_spread,
    neural_collapse,
    rank_of,
    spectrum,
    tunnel,
)

BATCH: Final = 64
"""Images of the step whose gradients are compared."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class LayerState:
    """Of what arrives at one layer. A number that does not exist is None, and ``notes`` say why."""

    name: str
    units: int
    dead: int
    """Units that say the same for every image and place."""
    copies: int | None
    """Living units that are another one up to scale, sign and shift (correlation at least 0.99)."""
    rank: int | None
    """Directions in which the mean over places varies."""
    effective_rank: float | None
    collapse: float | None
    """NC1; near 0 the images of a class all look the same here."""
    condition: float | None
    """Condition number of the covariance of the units that are not dead."""
    probe: float
    """Validation accuracy of a ridge regression on the mean over places, at its best penalty."""
    gradient: float | None
    """log10(|gradient| / |weight|) of the layer itself at the first step of a fine-tuning; None for the head."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelState:
    """Of all layers of a model that an answer uses once, in the order of use."""

    layers: tuple[LayerState, ...]
    images: int
    """Training images looked at."""
    classes: int
    tunnel: Tunnel | None
    """None where no probe is right about a single image."""
    gradient_spread: float | None
    """None where fewer than two layers have a gradient."""

    @property
    def values(self) -> tuple[EstimateValue, ...]:
        """Single numbers beside those of the estimates, higher is better: of the last layer, and of all of them.

        Collapse and condition count by their logarithms, negated; so does the spread of gradients, as it is.
        """
        last = self.layers[-1]
        found = {
            "effective_rank": last.effective_rank,
            "collapse": None if last.collapse is None else -last.collapse,
            "conditioning": None if last.condition is None else -math.log10(last.condition),
            "alive": 1 - (last.dead + (last.copies or 0)) / last.units,
            "tunnel": None if self.tunnel is None else self.tunnel.strength,
            "gradient_evenness": None if self.gradient_spread is None else -self.gradient_spread,
        }
        return tuple(
            EstimateValue(name, value)
            if value is not None
            else EstimateValue(name, math.nan, "failed", "; ".join(last.notes) or f"{name} does not exist here")
            for name, value in found.items()
        )


def state_of(
    model: nn.Module, task: Task, *, examples: int | None = None, seed: int, device: str = "cpu"
) -> ModelState:
    """The state of a trained model on a labelled task of its own or of anybody; the model is left as it was.

    ``examples`` training images are sampled by the seed, classes in proportion (all by default); probes are judged on
    the validation split, and the test split is not looked at. Layers that an answer uses more than once are left out.

    Raises ConfigurationError for fewer images than classes or a single class, UnsupportedError for a dense task and a
    model that cannot be taken apart (see ``as_classifier``), MeasurementError for numbers that are not finite, and
    where everything is the same at every layer.
    """
    check_classes(task, "the state of a model is measured by classes")
    _check_images(task, len(task.train) if examples is None else min(examples, len(task.train)))
    used = task if examples is None else subsample(task, examples, seed=seed)
    ready = deepcopy(as_classifier(model, used.shape)).to(device).eval()
    readings = read_layers(ready, used, device=device)
    ratios = gradient_ratios(ready, used, images=BATCH, seed=seed, device=device)
    layers = tuple(
        _layer_state(shown(name), reading, used, ratios.get(shown(name)), seed) for name, reading in readings.items()
    )
    if not any(one.rank for one in layers):
        raise MeasurementError(
            f"at every layer all {len(used.train)} images look the same; is the model disconnected, are all its units "
            "dead, or are the images all alike?"
        )
    return ModelState(
        layers,
        len(used.train),
        len(np.unique(used.train.targets)),
        _or_none(lambda: tunnel([one.probe for one in layers])),
        _or_none(lambda: gradient_spread(list(ratios.values()))),
    )


def _check_images(task: Task, images: int) -> None:
    present = len(np.unique(task.train.targets))
    if images < task.outputs:
        raise ConfigurationError(
            f"{task.name!r} has {images} training images of {task.outputs} classes; the state of a model needs at "
            "least as many images as classes, and better ten times as many (--examples)"
        )
    if present < 2:
        raise ConfigurationError(
            f"all {images} training images of {task.name!r} are of one class; the state of a model needs two or more"
        )


def _layer_state(name: str, reading: LayerReading, task: Task, ratio: float | None, seed: int) -> LayerState:
    labels, living = task.train.targets, reading.train[:, ~reading.dead]
    notes: list[str] = []

    def tried(measure: Callable[[], float]) -> float | None:
        try:
            return measure()
        except MeasurementError as error:
            if str(error) not in notes:
                notes.append(str(error))
            return None

    values = _or_none(lambda: spectrum(reading.train))
    if values is None:
        notes.append(f"the features are the same for all {len(reading.train)} images, so they have no spread")
    probe = ridge_score(reading.train, reading.validation, task, seed)
    return LayerState(
        name,
        reading.train.shape[1],
        int(reading.dead.sum()),
        reading.copies,
        None if values is None else rank_of(values),
        None if values is None else effective_rank_of(values),
        tried(lambda: neural_collapse(reading.train, labels)),
        None if values is None else tried(lambda: condition_number(living)),
        probe,
        None if ratio is None else math.log10(ratio),
        tuple(notes),
    )


def _or_none(measure: Callable[[], Found]) -> Found | None:
    try:
        return measure()
    except MeasurementError:
        return None
