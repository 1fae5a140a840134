"""Write a section of docs/findings.md: what the constraints of TSCNC do to a network that is trained hard and sparse.

    python docs/make_tscnc.py measure --data cifar10_full.npz --out tscnc   # rows land one by one; run again to go on
    python docs/make_tscnc.py write --rows docs/rows/tscnc.jsonl   # (rows of several sessions are kept there)

20,000 images of CIFAR-10 at 16 x 16 pixels, epsilon 4/255, five seeds, three sparsities, with and without each
constraint. A network of three convolutions is trained against an adversary, then trained on while it is pruned; one
that is trained plainly is beside it. Robust accuracy is the worst case of each image over FGSM, PGD, APGD and Square. A
row is a model.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from findings_of_runs import HARDENED, put_section, row
from torch import nn

from archlock.adversaries import Ball
from archlock.models import conditioning_of, lipschitz_bound, local_constants
from archlock.recipes import RobustnessConfig, robustness
from archlock.records import write_atomic
from archlock.reports.statistics import estimate
from archlock.seeding import derive_seed
from archlock.tasks import Task, conform, open_task, share_of
from archlock.training import Hardening, Plan, batch_of, fit, harden

SEEDS = 5
SPARSITIES = (0.0, 0.9, 0.95)
EPSILON = 4 / 255
CONSTRAINTS = {"none": (0.0, 0.0), "c": (0.5, 0.0), "t": (0.0, 0.01), "c and t": (0.5, 0.01)}
"""Weights of c(W) and t(W). Of 0.1, 0.5 and 2, tried with one seed on 4,000 images at sparsity 0.9, 0.1 did not halve
the median condition and 2 took robust validation accuracy; 0.5 halved it and took none."""
EXAMPLES = 20_000
PLAIN = Plan(10, batch_size=64, learning_rate=0.1, flip=True, warmup=0.1)
DENSE = Plan(4, batch_size=64, learning_rate=0.05, flip=True, warmup=0.1)
SPARSE = Plan(3, batch_size=64, learning_rate=0.03, flip=True, warmup=0.1)
JUDGES = RobustnessConfig(epsilons=(EPSILON,), images=400, steps=40, queries=300)


@dataclass(frozen=True)
class Row:
    """One trained model."""

    seed: int
    sparsity: float
    constraints: str
    """``none``, ``c``, ``t`` or ``c and t``; ``plain`` for a training without an adversary."""
    clean: float
    robust: float
    """Worst case of each image."""
    validation_robust: float
    conditions: tuple[float, ...]
    """Of each layer, on its surviving rank."""
    short: int
    """Layers whose rank is short."""
    dead: int
    """Filters."""
    zeros: float
    """Share of weights."""
    bound: float
    """Lipschitz, as a product over layers."""
    local: float
    """Largest norm of a Jacobian at 50 test images."""
    cpu_seconds: float

    @property
    def place(self) -> tuple[int, float, str]:
        """What was asked."""
        return self.seed, self.sparsity, self.constraints


class Shifted(nn.Module):
    """Images in [0, 1] to about zero mean and unit deviation."""

    SCALE = 4.0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Half taken away, times four."""
        return (images - 0.5) * self.SCALE


def network(seed: int) -> nn.Sequential:
    """Three convolutions and a head, 16 x 16 pixels in."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        layers: list[nn.Module] = [Shifted()]
        for incoming, outgoing, stride in ((3, 24, 1), (24, 48, 2), (48, 96, 2)):
            layers += [nn.Conv2d(incoming, outgoing, 3, stride, 1, bias=False), nn.BatchNorm2d(outgoing), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 10))


def main() -> None:
    """Measure, or write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure", help="train and judge what is not there yet")
    measuring.add_argument("--data", required=True, help="CIFAR-10, as archlock --source takes it")
    measuring.add_argument("--out", type=Path, required=True)
    measuring.add_argument("--most", type=int, default=None, help="rows to add, at most")
    writing = verbs.add_parser("write", help="make the section of the rows")
    writing.add_argument("--rows", type=Path, required=True)
    given = parser.parse_args()
    if given.verb == "measure":
        task = share_of(conform(open_task(given.data, seed=0), (3, 16, 16)), EXAMPLES, seed=0)
        measure(task, given.out, given.most)
    else:
        put_section(HARDENED, "\n".join(said(read_rows(given.rows))))


def measure(task: Task, out: Path, most: int | None = None) -> None:
    """Every row that is not in ``rows.jsonl`` yet; trainings are taken up where they were left."""
    out.mkdir(parents=True, exist_ok=True)
    path, added = out / "rows.jsonl", 0
    known = {one.place for one in read_rows(path)}
    for place in every():
        if place in known or (most is not None and added >= most):
            continue
        began = time.process_time()
        model, validation = trained(task, out, *place)
        found = judged(model, task, place, validation, out)
        write_row(path, replace(found, cpu_seconds=time.process_time() - began))
        added += 1


def every() -> Iterator[tuple[int, float, str]]:
    """What is asked, in order: without an adversary, without constraints and with one, seed by seed, then with both."""
    for seed in range(SEEDS):
        yield seed, 0.0, "plain"
        for constraints in ("none", "c", "t"):
            for sparsity in SPARSITIES:
                yield seed, sparsity, constraints
    for seed in range(SEEDS):
        for sparsity in SPARSITIES:
            yield seed, sparsity, "c and t"


def trained(task: Task, out: Path, seed: int, sparsity: float, constraints: str) -> tuple[nn.Module, float]:
    """The model, and its robust validation accuracy; the dense stage is shared by all sparsities."""
    start, files = network(derive_seed(seed, "tscnc")), out / "trainings"
    files.mkdir(exist_ok=True)
    if constraints == "plain":
        plain = fit(start, task, PLAIN, checkpoint=files / f"plain-{seed}.pt", seed=seed)
        return plain.model, 0.0
    condition, shape = CONSTRAINTS[constraints]
    asked = Hardening(Ball(EPSILON), condition=condition, shape=shape)
    name = constraints.replace(" ", "_")
    dense = harden(start, task, DENSE, asked, checkpoint=files / f"dense-{name}-{seed}.pt", seed=seed)
    later = replace(asked, sparsity=sparsity)
    file = files / f"sparse-{name}-{seed}-{sparsity:g}.pt"
    found = harden(dense.model, task, SPARSE, later, checkpoint=file, seed=seed)
    return found.model, max(found.robust)


def judged(model: nn.Module, task: Task, place: tuple[int, float, str], validation: float, out: Path) -> Row:
    """What strong adversaries leave, and what its layers are like."""
    folder = out / "robustness" / "-".join(str(part).replace(" ", "_") for part in place)
    record = robustness(model, task, JUDGES, out=folder, workers=1).record
    layers = [one for one in conditioning_of(model) if one.condition is not None]
    weights = torch.cat([p.detach().flatten() for p in model.parameters() if p.ndim > 1])
    images = batch_of(task.test.take(range(50))).images
    return Row(
        *place,
        clean=record.clean.value,
        robust=record.robust(record.worst)[-1].value,
        validation_robust=validation,
        conditions=tuple(one.condition or 0.0 for one in layers),
        short=sum(one.rank < one.full_rank for one in layers),
        dead=sum(one.dead for one in layers),
        zeros=float((weights == 0).float().mean()),
        bound=lipschitz_bound(model, task.shape),
        local=float(local_constants(model.eval(), images).max()),
        cpu_seconds=0.0,
    )


def read_rows(path: Path) -> list[Row]:
    """Those that are there."""
    lines = path.read_text().splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [Row(**{**one, "conditions": tuple(one["conditions"])}) for one in found]


def write_row(path: Path, found: Row) -> None:
    """Add a row, at once."""
    before = path.read_text() if path.exists() else ""
    write_atomic(path, f"{before}{json.dumps(asdict(found))}\n")


def said(rows: Sequence[Row]) -> Iterator[str]:
    """The section: means over seeds with 95 % intervals, and paired differences from training without constraints."""
    by_place = {one.place: one for one in rows}
    yield INTRODUCTION.format(seeds=len({one.seed for one in rows}))
    heads = ["sparsity", "constraints", "seeds", "clean %", "robust %", "robust, paired", "median kappa"]
    heads += [
        "median kappa, times",
        "layers short of rank",
        "dead filters",
        "Lipschitz bound",
        "largest local constant",
    ]
    yield row(heads)
    yield row(["---"] * len(heads))
    plain = [one for one in rows if one.constraints == "plain"]
    if plain:
        yield row(["0", "no adversary", *cells(plain, [])])
    for sparsity in SPARSITIES:
        for constraints in CONSTRAINTS:
            met = [one for one in rows if (one.sparsity, one.constraints) == (sparsity, constraints)]
            twins = [by_place.get((one.seed, sparsity, "none")) for one in met]
            if met:
                yield row([f"{sparsity:g}", constraints, *cells(met, twins if constraints != "none" else [])])


def cells(met: Sequence[Row], twins: Sequence[Row | None]) -> list[str]:
    """One line of the table."""
    kappa = [float(np.median(one.conditions)) for one in met]
    both = [(one, twin) for one, twin in zip(met, twins, strict=False) if twin is not None]
    paired = between([100 * (one.robust - twin.robust) for one, twin in both]) if both else ""
    ratios = [np.median(twin.conditions) / np.median(one.conditions) for one, twin in both]
    return [
        str(len(met)),
        between([100 * one.clean for one in met]),
        between([100 * one.robust for one in met]),
        paired,
        between(kappa),
        f"1/{between(ratios)}" if ratios else "",
        f"{np.mean([one.short for one in met]):.1f}",
        f"{np.mean([one.dead for one in met]):.1f}",
        f"{np.median([one.bound for one in met]):.3g}",
        f"{np.median([one.local for one in met]):.3g}",
    ]


def between(values: Sequence[Any]) -> str:
    """Mean and 95 % interval."""
    found = estimate([float(value) for value in values])
    bounds = "" if found.low is None or found.high is None else f" ({found.low:.1f} to {found.high:.1f})"
    return f"{found.mean:.1f}{bounds}"


INTRODUCTION = """Written by `python docs/make_tscnc.py`. CIFAR-10 at 16 x 16 pixels (20,000 training images), a
network of three convolutions, trained against PGD of 3 steps within 4/255, then trained on while it is pruned over
all layers with a floor in each. *c*: the condition-number constraint (0.5), *t*: the sparse constraint (0.01),
*paired*: points of robust accuracy above the same training without constraints, by seed. *Robust*: right against
FGSM, PGD, APGD and Square, worst case of each of 400 test images. *Kappa*: largest over smallest singular value of a
layer on its surviving rank, median over layers; *times*: as a share of that without constraints, by seed. Means over
{seeds} seeds with 95 % t intervals.
"""


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    main()
