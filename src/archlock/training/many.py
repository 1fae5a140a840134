"""Many short trainings at once: networks of different architectures, each with its own seed, as stacked programs.

Every network is trained as :func:`~archlock.training.fit.fit` alone would train it: same batches, same augmentation,
same schedule; the result is the same up to the order of sums in floating point. The total loss is the sum of the
networks' losses, so no gradient of one reaches another one. Networks that do not fit together (another skeleton) and
those beyond the size of a stack take turns. Training images stay on the device, where the batches are cut and augmented
as the host has chosen them; numbers are read from the device once an epoch.

Hopeless ones may be stopped early by successive halving (Jamieson and Talwalkar 2016, algorithm 1; a single bracket of
Hyperband, Li et al. 2018): at each rung the best share goes on. All have the learning rates of the whole plan; one that
is stopped has not seen the end of the schedule.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from archlock.errors import ConfigurationError
from archlock.models import Network
from archlock.records import fingerprint
from archlock.tasks import Task
from archlock.training.checkpoints import digest
from archlock.training.fit import Trained
from archlock.training.many_state import Diverged, Many
from archlock.training.plan import Plan

CPU_STACK, GPU_STACK = 32, 64
"""Networks in a stack, unless another number is asked for."""
CPU_PIXELS = 100
"""On a CPU networks for larger images are trained one at a time: they keep a core busy alone, and their stack would
leave its caches (``benchmarks/many_trainings.py``: 1.5 times the speed in a stack at 8 x 8, no gain at 16 x 16)."""


@dataclass(frozen=True, slots=True)
class Halving:
    """Successive halving: after each of the ``rungs`` (epochs) the best ``keep`` of those still running go on.

    Rounded up, so that at least one goes on; of equally good ones those that were named first.
    """

    rungs: tuple[int, ...]
    keep: float = 0.5

    def __post_init__(self) -> None:
        if not self.rungs or list(self.rungs) != sorted(set(self.rungs)) or self.rungs[0] < 1:
            raise ConfigurationError(f"rungs are epochs from 1 on, each later than the one before; got {self.rungs}")
        if not 0 < self.keep < 1:
            raise ConfigurationError(f"the share to keep at a rung is between 0 and 1; got {self.keep}")


def fit_many(
    networks: Sequence[Network],
    task: Task,
    plan: Plan,
    *,
    seeds: Sequence[int],
    halving: Halving | None = None,
    watch: bool = False,
    stack: int | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    device: str = "cpu",
) -> tuple[Trained | Diverged, ...]:
    """Train a copy of each network with its own seed; the results are in the order of the networks.

    A validation score is taken at each rung and at the end, with ``watch`` (here or in the plan) after every epoch. At
    most ``stack`` networks (by default :func:`default_stack`) are trained in one program. ``checkpoint`` is a file that
    holds the state of all after each epoch and is taken up if it belongs to the same trainings; it is removed by nobody
    here.
    ``progress`` is called with (epochs done, epochs). A plan with ``patience`` or ``clip`` raises
    ConfigurationError.
    """
    size = default_stack(task, device) if stack is None else stack
    _check(networks, plan, seeds, halving, size)
    began = time.perf_counter()
    many = Many(networks, task, plan, seeds, size, device)
    identity = ""
    if checkpoint is not None:
        parts = [task.fingerprint, plan, list(seeds), halving, watch, size, [digest(network) for network in networks]]
        identity = fingerprint(parts)
        many.resume(checkpoint, identity)
    many.share(time.perf_counter() - began)
    while many.running and many.epoch < plan.epochs:
        many.run_epoch()
        rung = halving is not None and many.epoch in halving.rungs
        if rung or watch or plan.watch or many.epoch == plan.epochs:
            many.look()
        if halving is not None and rung:
            many.keep_best(math.ceil(halving.keep * len(many.running)))
        if checkpoint is not None:
            many.save(checkpoint, identity)
        if progress is not None:
            progress(many.epoch, plan.epochs)
    return many.results()


def default_stack(task: Task, device: str) -> int:
    """How many networks it pays to train in one stack on that device."""
    if torch.device(device).type != "cpu":
        return GPU_STACK
    _, height, width = task.shape
    return CPU_STACK if height * width <= CPU_PIXELS else 1


def _check(networks: Sequence[Network], plan: Plan, seeds: Sequence[int], halving: Halving | None, stack: int) -> None:
    if len(networks) != len(seeds) or stack < 1:
        raise ConfigurationError(
            f"every network needs a seed of its own and a stack at least one network; got {len(networks)} networks, "
            f"{len(seeds)} seeds and stacks of {stack}"
        )
    if plan.patience is not None:
        raise ConfigurationError(
            f"networks that are trained together run the same epochs; got a plan with patience {plan.patience}: leave "
            "it out, give a Halving, or train each alone with fit"
        )
    if plan.clip is not None:
        raise ConfigurationError(
            f"a gradient is clipped over one network; got a plan with clip {plan.clip:g} for many at once: "
            "leave it out, or train each alone with fit"
        )
    if halving is not None and halving.rungs[-1] >= plan.epochs:
        raise ConfigurationError(
            f"rungs must come before the last epoch, or nothing is saved; got rungs {halving.rungs} in {plan.epochs} "
            "epochs"
        )
