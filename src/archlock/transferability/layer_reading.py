"""What arrives at every layer of a trained model, on a labelled task: one pass over the images for all layers.

A layer is a convolution or a linear layer. What arrives at it is what the layers before it make, behind normalisation
and activation, whether those are modules or not; what arrives at the head is the features that attackers probe.
"""

import re
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor, nn

from archlock.errors import MeasurementError, UnsupportedError
from archlock.models import TAPPED, Headed, Layer, given_hooked, per_channel, used_once, with_new_head
from archlock.tasks import Split, Task
from archlock.training import batch_of, batches, loss_of
from archlock.transferability.units import Counted

BATCH = 100


@dataclass(frozen=True, slots=True, eq=False)
class LayerReading:
    """What arrives at one layer: the mean over places of every unit, and counts of units over all places."""

    train: Float64[np.ndarray, "images units"]
    validation: Float64[np.ndarray, "more_images units"]
    dead: np.ndarray
    """Which units say the same for every training image and place."""
    copies: int | None
    """Living units that copy another; None where they are too many to compare."""


def read_layers(model: Headed, task: Task, *, device: str) -> dict[str, LayerReading]:
    """Of every layer that an answer uses once, in that order, the head last of those that lead to it.

    ``model`` is in evaluation mode and on ``device``. A layer to which numbers that are not finite arrive raises
    MeasurementError, and a model that cannot take the images UnsupportedError.
    """
    first = batch_of(task.train.take([0])).images.to(device)
    try:
        with torch.no_grad():
            names = used_once(model, first)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise UnsupportedError(
            f"{type(model).__name__} cannot take the images of {task.name!r}, channels x height x width {task.shape} "
            f"({reason}); conform the task to the model's images first"
        ) from error
    counts = {name: Counted() for name in names}
    train = _means(model, names, task.train, device, counts)
    validation = _means(model, names, task.validation, device, None)
    return {
        name: LayerReading(train[name], validation[name], counts[name].dead.numpy(), counts[name].copies())
        for name in names
    }


def gradient_ratios(model: Headed, task: Task, *, images: int, seed: int, device: str) -> dict[str, float]:
    """|gradient| / |weight| of every layer of the body at the first step of a fine-tuning, in module order.

    A copy with a new random head in training mode, one batch of the first ``images`` training images, cross entropy.
    Layers without a gradient (frozen, dead) or without a weight are left out.
    """
    copy = with_new_head(model, task.signature, seed=seed).to(device).train().requires_grad_(True)
    heads = {id(part) for part in copy.get_submodule("head").modules()}
    batch = batch_of(task.train.take(range(min(images, len(task.train))))).to(device)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        loss_of(copy(batch.images), batch.targets, kind=batch.kind).backward()  # type: ignore[no-untyped-call]
    found = {}
    for name, layer in copy.named_modules():
        if isinstance(layer, Layer) and id(layer) not in heads:
            weight = layer._parameters.get("weight")  # (none, where it is computed from others)
            if weight is not None and weight.grad is not None:
                ratio = float(weight.grad.norm() / weight.detach().norm().clamp(min=1e-30))
                if 0 < ratio < float("inf"):
                    found[shown(name)] = ratio
    return found


def shown(name: str) -> str:
    """The name of a layer as the model's maker wrote it."""
    return re.sub(rf"^(body\.)*{re.escape(TAPPED)}", "", name)  # (a neck is one body more)


def _means(
    model: nn.Module, names: list[str], split: Split, device: str, counts: dict[str, Counted] | None
) -> dict[str, np.ndarray]:
    """What arrives at the layers, averaged over places, images x units; and, if asked, counted."""
    rows: dict[str, list[Tensor]] = {name: [] for name in names}

    def see(name: str, given: Tensor) -> None:
        values = per_channel(model.get_submodule(name), given)
        values = values.reshape(len(given), -1, values.shape[-1])
        if not torch.isfinite(values).all():
            raise MeasurementError(
                f"what arrives at the layer {shown(name)} is not finite; the weights hold no numbers, or the training "
                "has diverged"
            )
        rows[name].append(values.mean(1).cpu())
        if counts is not None:
            counts[name].add(values)

    with torch.no_grad():
        for batch in batches(split, BATCH):
            given_hooked(model, batch.images.to(device), {name: partial(see, name) for name in names})
    return {name: torch.cat(parts).double().numpy() for name, parts in rows.items()}
