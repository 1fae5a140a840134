"""From a trained model and a task to the record that the estimates look at: one pass, nothing trained."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archlock.errors import ConfigurationError, UnsupportedError
from archlock.models import as_classifier, features_before_head
from archlock.tasks import Split, Task, check_classes, subsample
from archlock.training import batches, looked_at
from archlock.transferability.features import Features

BATCH_SIZE = 500


def features_of(
    model: nn.Module,
    task: Task,
    *,
    split: str = "train",
    examples: int | None = None,
    seed: int,
    device: str = "cpu",
) -> Features:
    """Features of the target task's images, before the head of the model, with what the head itself says of them.

    ``examples`` of the split are sampled by the seed, classes in proportion (all of them by default); the test split is
    for reports alone and cannot be asked for. The model must be on ``device``; it works in evaluation mode and is left
    as it was. Networks of ours that were trained for a dense task have no source probabilities, nor has a head of a
    single output.

    Raises UnsupportedError for a dense target task, for a model whose head cannot be found or that cannot take the
    images (see ``as_classifier``); MeasurementError for features that are not finite.
    """
    check_classes(task, "transferability estimates compare features with class labels")
    given = as_classifier(model, task.shape)
    head = given.head
    chosen = _chosen(task, split, examples, seed)
    rows, answers = [], []
    for batch in batches(chosen, looked_at(BATCH_SIZE, chosen)):
        features = _before_head(given, task, batch.images.to(device))
        rows.append(features.cpu().double())
        if isinstance(head, nn.Linear):
            answers.append(_probabilities(head, features).cpu())
    probabilities = torch.cat(answers).numpy() if answers and answers[0].shape[1] > 1 else None
    return Features(torch.cat(rows).numpy(), chosen.targets, task.outputs, probabilities)


def _chosen(task: Task, split: str, examples: int | None, seed: int) -> Split:
    if split not in {"train", "validation"}:
        raise ConfigurationError(
            f"estimates look at the split 'train' or 'validation', got {split!r}; the test split is for reports alone"
        )
    if split == "validation":
        task = replace(task, train=task.validation)
    return task.train if examples is None else subsample(task, examples, seed=seed).train


def _before_head(model: nn.Module, task: Task, images: Tensor) -> Tensor:
    try:
        return features_before_head(model, images)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise UnsupportedError(
            f"{type(model).__name__} cannot take the images of {task.name!r}, channels x height x width {task.shape} "
            f"({reason}); conform the task to the model's images first"
        ) from error


def _probabilities(head: nn.Linear, features: Tensor) -> Tensor:
    with torch.no_grad():
        logits = F.linear(features, head.weight, head.bias)
    return torch.softmax(logits.cpu().double(), 1)
