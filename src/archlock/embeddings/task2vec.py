"""Task2Vec (Achille et al. 2019, arXiv:1902.03545): a task as the diagonal Fisher information of a probe network.

F = E_x E_{y ~ p(y|x)} [(d log p(y|x) / dw)^2], averaged over the weights of every filter, after the head was refitted
on the task. Deviations from the released code, each with its reason: evaluation mode (a batch's statistics are not the
task's); the squares are of single examples (the released ones are of batch means: smaller by the batch size and
noisier); the expectation over labels is exact where there are few classes (``training.kinds``); the head is fitted to
convergence; examples are spread over the classes whatever the order of the data; zero information stays zero.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from archlock.embeddings.embedding import Embedding
from archlock.embeddings.fisher import filter_squares
from archlock.errors import ConfigurationError, MeasurementError, UnsupportedError
from archlock.models import Probe
from archlock.seeding import rng_for
from archlock.tasks import KINDS, Split, Task
from archlock.training import LEARNING, Batch, FisherHead, batches

PASSES = 10
"""Backward passes an example; up to so many classes the expectation over labels is exact."""


def task2vec(
    task: Task,
    probe: Probe,
    *,
    examples: int = 1000,
    layers: str = "all",
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> Embedding:
    """Embed a task: one number for each filter of the probe, with its standard error.

    ``examples`` training examples are used (all, if there are fewer), spread over the classes in proportion and at
    least one of each. ``layers`` is "all" or "last"; the latter measures the last third of the convolutions only, at
    about a quarter of the cost. A dense task gets the Gaussian Fisher information of a head that says a patch of the
    target for every cell. ``progress`` is called with the examples done and their total. The probe is left untouched;
    the same arguments on the same machine and number of threads give the same bits.

    Raises ConfigurationError for fewer than two examples or another word for ``layers``, UnsupportedError for images
    that are neither grey nor RGB and for measured values, MeasurementError when the probe's numbers are not finite.

    How steady: with the embedded probe and 1000 examples, disjoint samples of one task lie 0.01 to 0.04 apart
    (:func:`archlock.embeddings.distance`), different image sets 0.07 to 0.31.
    """
    if task.measured:
        raise UnsupportedError(
            f"{task.name!r} holds {task.words} of measured values, and the probe networks of task2vec were trained on "
            "pictures: what they say of other data compares nothing"
        )
    if examples < 2:
        raise ConfigurationError(f"task2vec needs at least 2 examples for a standard error; got {examples}")
    if layers not in ("all", "last"):
        raise ConfigurationError(f"task2vec: layers must be 'all' or 'last'; got {layers!r}")
    split = task.train.take(spread_rows(task.train, examples, seed=seed))
    network = probe.network().to(device)
    size = max(4, 32 * 32**2 // probe.size**2)
    head = _fit_head(task, network, _prepared(split, probe, size, device))
    chosen = probe.layers if layers == "all" else probe.last
    rng = rng_for(seed, "task2vec", "signs")
    parts: list[np.ndarray] = []
    for batch in _prepared(split, probe, size, device):
        squares = filter_squares(network, chosen, batch.images, lambda maps: head.cotangents(maps, PASSES, rng))
        parts.append(torch.cat(squares, 1).cpu().double().numpy())
        if progress is not None:
            progress(sum(map(len, parts)), len(split))
    values = np.concatenate(parts)
    starts = np.cumsum([0, *(network.get_submodule(name).out_channels for name in chosen)])
    return Embedding(
        vector=values.mean(0),
        offsets=tuple(zip(chosen, map(int, starts), strict=False)),
        examples=len(values),
        standard_error=values.std(0, ddof=1) / len(values) ** 0.5,
        probe=probe.name,
        probe_fingerprint=probe.fingerprint,
        task=task.fingerprint,
    )


def spread_rows(split: Split, examples: int, *, seed: int) -> np.ndarray:
    """Rows of exactly ``examples`` examples (all, if there are fewer), shuffled, spread over the classes.

    Every class gets its share to within one example, and where possible at least one. Dense tasks: uniformly at random.
    """
    rng = rng_for(seed, "task2vec", "examples")
    order = rng.permutation(len(split))
    strata = KINDS[split.kind].strata(split.targets)
    if strata is not None:
        labels = strata[order]
        place = np.empty(len(order))
        for label in np.unique(labels):
            mine = np.flatnonzero(labels == label)
            place[mine] = (np.arange(len(mine)) + rng.random()) / len(mine)
            place[mine[0]] = -1  # the first of every class comes before all others
        order = order[np.argsort(place, kind="stable")]
    return rng.permutation(order[:examples])


def _fit_head(task: Task, network: nn.Module, prepared: Iterator[Batch]) -> FisherHead:
    """The head that belongs to the kind of task, fitted on features that are computed once."""
    learning, inputs, targets = LEARNING[task.kind], [], []
    with torch.no_grad():
        for batch in prepared:
            maps = network(batch.images)
            rows, wanted = learning.fisher_rows(maps, batch.targets)
            inputs.append(rows)
            targets.append(wanted)
    features = torch.cat(inputs).cpu().double().numpy()
    if not np.isfinite(features).all():
        raise MeasurementError(f"task {task.name!r}: the probe's features are not finite; check its weights")
    return learning.fisher_head(features, torch.cat(targets).cpu().numpy()).to(maps.device)


def _prepared(split: Split, probe: Probe, size: int, device: str) -> Iterator[Batch]:
    """Batches whose images are as the probe wants them."""
    for batch in batches(split, size):
        moved = batch.to(device)
        yield Batch(probe.prepare(moved.images), moved.targets, moved.kind)
