"""Measure the state of a trained model on labelled images: any model that can be attacked, layer by layer."""

from pathlib import Path

from torch import nn

from archlock.recipes.opening import OpenedModel, open_model
from archlock.tasks import Task
from archlock.transferability import ModelState, state_of


def measure_state(
    model: str | Path | nn.Module | OpenedModel,
    source: Task | str | Path,
    *,
    examples: int | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> ModelState:
    """What ``state_of`` says of a model that ``open_model`` reads, on data of its own or any labelled images.

    Data that are named are opened at the size of the model's images; a task is brought to that size.
    """
    opened = model if isinstance(model, OpenedModel) else open_model(model)
    task = source if isinstance(source, Task) else opened.read(str(source), seed=seed)
    return state_of(opened.module, opened.fitting(task), examples=examples, seed=seed, device=device)
