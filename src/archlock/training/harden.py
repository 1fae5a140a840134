"""Train a model against an adversary while it is made sparse and its layers are kept well-conditioned: one stage.

TSCNC (Feng, Lin, Gao, Wei, 2025) as far as it could be reconstructed: adversarial training (Madry et al. 2018) with
gradual magnitude pruning, ``a mean c(W)`` (``condition_gap``) and ``b mean t(W)`` (``sparse_shape``) in the loss. The
paper's weights, schedule and transformation were not to be had; ours are a reading. Of the epochs after the pruning the
one with the best robust validation score is kept. Deterministic given the seed; survives a kill at epoch boundaries.
"""

import copy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import nn

from archlock.errors import UnsupportedError
from archlock.records import fingerprint
from archlock.seeding import derive_seed
from archlock.tasks import Task
from archlock.training.checkpoints import digest
from archlock.training.descent import channels_last
from archlock.training.evaluate import evaluate
from archlock.training.fit import drawing
from archlock.training.hardening import Hardened, Hardening, Immunising
from archlock.training.hardening_state import HardeningState
from archlock.training.plan import Plan


def harden(
    model: nn.Module,
    task: Task,
    plan: Plan,
    hardening: Hardening,
    *,
    immunising: Immunising | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int,
    device: str = "cpu",
) -> Hardened:
    """Train a copy of ``model``, which takes images in [0, 1] and answers logits, on the training split of ``task``.

    ``checkpoint`` and ``progress`` are as for :func:`~archlock.training.fit.fit`. A task without classes raises
    UnsupportedError, a sparsity that empties a layer ConfigurationError, a loss that is not finite MeasurementError.
    """
    if not task.traits.has_classes:
        raise UnsupportedError(f"hardening is for classes, one for each image; {task.name!r} is a {task.kind} task")
    began = time.perf_counter()
    state = HardeningState(channels_last(copy.deepcopy(model).to(device)), task, plan, hardening, seed, immunising)
    identity = _identity(model, task, plan, hardening, seed, immunising) if checkpoint else ""
    if checkpoint is not None:
        state.resume(checkpoint, identity, device)
    while state.epoch < plan.epochs:
        epoch_seed = derive_seed(seed, "harden", state.epoch)
        with drawing(epoch_seed, device):
            state.run_epoch(epoch_seed, device)
        if checkpoint is not None:
            state.save(checkpoint, identity, time.perf_counter() - began)
        if progress is not None:
            progress(state.epoch, plan.epochs)
    if state.best is not None:
        state.model.load_state_dict(state.best)
    chosen = state.model.eval().requires_grad_(True)
    first = plan.epochs - len(state.robust)
    return Hardened(
        chosen,
        tuple(state.robust),
        first + int(np.argmax(state.robust)) + 1,
        evaluate(chosen, task.validation, device=device),
        tuple(state.losses),
        state.seconds_before + time.perf_counter() - began,
    )


def _identity(
    model: nn.Module, task: Task, plan: Plan, hardening: Hardening, seed: int, immunising: Immunising | None
) -> str:
    also = [] if immunising is None else [immunising.target.fingerprint, immunising.own, immunising.other]
    return fingerprint([task.fingerprint, plan, hardening, seed, digest(model), also])
