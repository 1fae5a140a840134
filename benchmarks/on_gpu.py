"""Does everything work on this GPU, and does it say what the processor says? For whoever has one; under ten minutes.

    python benchmarks/on_gpu.py [--device cuda] [--only scores training ...] [--keep FOLDER]

Each check does the same small job twice, on the processor and on the device, and compares the numbers. What is computed
in one pass (answers, losses, proxies) has to agree closely; a training on a GPU goes another way after some steps
(bfloat16, order of sums), so what it ends with has to agree within a tolerance, told in the table. ``lock``,
``attack``, ``measure`` and ``transfer`` are whole runs at the least size, taken up a second time, which must compute
nothing. The exit code is 1 if a check failed. ``--device cpu`` compares the processor with itself: then every
difference is 0, and the script itself is tested.
"""

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from archlock.attacks import ATTACKS
from archlock.evidence import EvidenceStore
from archlock.execution import executor_for, float64_device, kind_of, resolve_device, workers_for
from archlock.models import build
from archlock.progress import Progress, Silent
from archlock.proxies import PROXIES, measure_all
from archlock.recipes import (
    AttackConfig,
    AttackResult,
    Budget,
    LockConfig,
    MeasureConfig,
    ProxySettings,
    TrainingConfig,
    TransferConfig,
    measure,
    transfer,
)
from archlock.recipes.attack.procedure import attack
from archlock.recipes.lock.procedure import lock
from archlock.recipes.lock.run import begin
from archlock.search import SourceFloor
from archlock.spaces import SPACES
from archlock.testing.small_tasks import small_digits, small_negatives
from archlock.training import (
    Diverged,
    Plan,
    batch_of,
    batches,
    evaluate,
    evaluate_copy,
    fit,
    fit_many,
    linear_probe,
    precision_on,
)

R = TypeVar("R")
Values = Mapping[str, float]
SPACE = SPACES["nasbench201"]
SOURCE = small_digits(train=400, validation=100, test=100, labels=(0, 1, 2, 3, 4))
TARGET = replace(small_digits(train=200, validation=100, test=100, labels=(5, 6, 7, 8, 9)), name="target")
FEW = small_digits(train=100, validation=60, test=60, labels=(0, 1, 2, 3))
DENSE = small_negatives(train=100, validation=40, test=20)
CELLS = tuple(SPACE.architecture(code) for code in ("314321", "333333", "300434"))
DRAWING = {"zen"}
"""Proxies that draw their own images, where the device draws other ones."""
LOCK = LockConfig(
    space="transnas101_micro",
    floor=SourceFloor("accuracy_loss", 0.6),
    budget=Budget(8, "trainings"),
    simulated=("rotation",),
    held_out=("jigsaw",),
    width=8,
    epochs=12,
    attack_seeds=1,
    fractions=(1.0,),
    attackers=("linear_probe", "fine_tune"),
)


@dataclass(frozen=True, slots=True)
class Check:
    """A job to do on a device, in a folder; what it answers on two devices may differ by so much."""

    name: str
    work: Callable[[str, Path], Values]
    tolerance: float
    relative: bool = False
    exact: bool = False
    """Whether convolutions are to be computed in full float32, which a GPU does not do by itself (TF32)."""


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a check."""

    name: str
    ok: bool
    seconds: tuple[float, float]
    """On the processor, on the device."""
    told: str


def main(arguments: list[str] | None = None) -> int:
    """Run the checks, print the table, answer the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", nargs="+", choices=[check.name for check in CHECKS])
    parser.add_argument("--keep", type=Path, help="a new folder for the runs; default: a temporary one")
    given = parser.parse_args(arguments)
    device = resolve_device(given.device)
    print(f"{told(device)}, torch {torch.__version__}; trainings of runs in {precision_on(device)}", flush=True)
    print(f"{'check':14}{'':8}{'cpu':>9}{kind_of(device):>9}  largest difference", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for check in CHECKS:
            if given.only is None or check.name in given.only:
                rows.append(checked(check, device, given.keep or Path(temporary)))
                print(line(rows[-1]), flush=True)
    failed = [row.name for row in rows if not row.ok]
    print(f"{len(rows) - len(failed)} of {len(rows)} ok" + (f"; FAILED: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


def told(device: str) -> str:
    """What the device is."""
    return torch.cuda.get_device_name(device) if kind_of(device) == "cuda" else device


def line(row: Row) -> str:
    """A row of the table."""
    return f"{row.name:14}{'ok' if row.ok else 'FAILED':8}{row.seconds[0]:8.1f}s{row.seconds[1]:8.1f}s  {row.told}"


def checked(check: Check, device: str, folder: Path) -> Row:
    """Do the work on the processor and on the device, and compare."""
    found: list[Values] = []
    seconds = [0.0, 0.0]
    for place, where in enumerate(("cpu", device)):
        began = time.perf_counter()
        try:
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=not check.exact):
                found.append(check.work(where, folder / f"{check.name}-{('cpu', 'device')[place]}"))
        except Exception as error:
            traceback.print_exc()
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            return Row(check.name, False, (seconds[0], seconds[1]), f"on {where}: {reason}")
        seconds[place] = time.perf_counter() - began
    ok, words = compared(found[0], found[1], check)
    return Row(check.name, ok, (seconds[0], seconds[1]), words)


def compared(ours: Values, theirs: Values, check: Check) -> tuple[bool, str]:
    """Whether the numbers agree, and which of them agree least."""
    if ours.keys() != theirs.keys():
        return False, f"other values: {', '.join(sorted(set(ours) ^ set(theirs)))}"
    if not ours:
        return False, "nothing was measured"
    gaps = {}
    for name, value in ours.items():
        same = value == theirs[name] or np.isnan([value, theirs[name]]).all()
        gap = 0.0 if same else abs(value - theirs[name])
        gaps[name] = gap / max(abs(value), 1e-12) if check.relative and not same else gap
    worst = max(gaps, key=lambda name: np.inf if np.isnan(gaps[name]) else gaps[name])
    words = f"{gaps[worst]:.1e} of at most {check.tolerance:g} ({worst}: {ours[worst]:.4g}, {theirs[worst]:.4g})"
    return bool(gaps[worst] <= check.tolerance), words


def scores(device: str, _: Path) -> Values:
    """Answers of untrained networks, and their scores."""
    found = {}
    for task in (SOURCE, DENSE):
        for cell in CELLS:
            model = build(cell, task.signature, width=8, depth=1, seed=0).eval()
            with torch.no_grad():
                answers = model.to(device)(batch_of(task.test).to(device).images)
            found[f"answers {cell.code} {task.name}"] = float(answers.cpu().double().abs().mean())
            found[f"score {cell.code} {task.name}"] = evaluate(model, task.test, device=device)
    return found


def first_losses(device: str, _: Path) -> Values:
    """Mean loss of the first epoch in float32, of one network and of several in a stack."""
    networks = [build(cell, SOURCE.signature, width=8, depth=1, seed=0) for cell in CELLS]
    plan = Plan(1, batch_size=64)
    alone = [fit(network, SOURCE, plan, seed=3, device=device).losses[0] for network in networks]
    together = fit_many(networks, SOURCE, plan, seeds=[3] * len(networks), device=device)
    found = {f"alone {cell.code}": loss for cell, loss in zip(CELLS, alone, strict=True)}
    for cell, one in zip(CELLS, together, strict=True):
        found[f"stacked {cell.code}"] = np.nan if isinstance(one, Diverged) else one.losses[0]
    return found


def trainings(device: str, folder: Path) -> Values:
    """Accuracy after a training as runs do it (bfloat16 on CUDA), with a checkpoint, by both optimisers."""
    found = {}
    for plan in (Plan(10, precision=precision_on(device)), Plan(10, learning_rate=3e-3, optimiser="adamw")):
        model = build(CELLS[0], SOURCE.signature, width=8, depth=1, seed=0)
        state = folder / f"{plan.optimiser}.checkpoint"
        kinds = {"checkpoint": state, "seed": 0, "device": device}
        trained = fit(model, SOURCE, plan, **kinds)
        again = fit(model, SOURCE, plan, **kinds)  # from its checkpoint: nothing is left to be done
        if again.losses != trained.losses:
            raise AssertionError("a training taken up from its checkpoint is another one")
        found[plan.optimiser] = evaluate_copy(trained.model, SOURCE.test, device=device)
    return found


def probes(device: str, _: Path) -> Values:
    """Linear probes of an untrained network, on classes and on images."""
    model = build(CELLS[0], SOURCE.signature, width=8, depth=1, seed=0)
    return {task.name: linear_probe(model, task, seed=0, device=device).validation for task in (TARGET, DENSE)}


def proxies(device: str, _: Path) -> Values:
    """Every proxy that draws nothing by itself, where the device has double precision."""
    given = list(batches(SOURCE.train, 16, seed=0))[:2]
    names = [name for name in PROXIES if name not in DRAWING]
    found = {}
    for cell in CELLS[:2]:
        model = build(cell, SOURCE.signature, width=4, depth=1, seed=0).to(float64_device(device))
        for name, one in measure_all(model, given, names, seed=0).items():
            found[f"{name} {cell.code}"] = one.value if one.status == "valid" else np.nan
    return found


class Counting(Silent):
    """Counts what is left to be done, over all stages."""

    def __init__(self) -> None:
        self.left = 0

    def begin(self, stage: str, total: int, done: int = 0) -> None:  # noqa: ARG002
        """Add what the stage has to do."""
        self.left += total - done


def twice(run: Callable[[Progress], R], device: str, store: Path) -> R:
    """What a run gives, that is run again: the second time nothing is computed, and every value names the device."""
    run(Silent())
    again = Counting()
    found = run(again)
    if again.left:
        raise AssertionError(f"taken up again, {again.left} jobs were done anew")
    wrong = [name for name in EvidenceStore(store).fidelities() if f"-{kind_of(device)}" not in name]
    if wrong and device != "mps":
        raise AssertionError(f"values that do not name the device: {', '.join(wrong)}")
    return found


def planned(device: str, folder: Path) -> Values:
    """A plan from minutes, by timing this device; the numbers are its own, so they are not compared."""
    config = replace(LOCK, budget=Budget(30, "minutes"), epochs=None, device=device)
    workers = workers_for(device)
    run = begin(SOURCE, config, folder, known=(), sealed=1, store=None, workers=workers, progress=Silent())
    return {"there is a plan": float(run.allocation.candidates >= 8)}


def locked(device: str, folder: Path) -> Values:
    """A whole lock: accuracy of the source-only model; the released model lies on the processor."""
    config = replace(LOCK, device=device)
    store = folder / "evidence.sqlite"
    result = twice(lambda progress: lock(FEW, config, out=folder, progress=progress), device, store)
    if any(parameter.device.type != "cpu" for parameter in result.model.parameters()):
        raise AssertionError("the released model does not lie on the processor")
    scores = result.record.source_only
    return {"source validation": scores.source_validation[0], "source test": scores.source_test[0]}


def attacked(device: str, folder: Path) -> Values:
    """Every attacker on the same trained network, with further training: what each gains."""
    plan = Plan(10)
    model = fit(build(CELLS[0], SOURCE.signature, width=8, depth=1, seed=0), SOURCE, plan, seed=0).model
    config = AttackConfig(attackers=tuple(ATTACKS), fractions=(1.0,), seeds=1, epochs=8, device=device)

    def run(progress: Progress) -> AttackResult:
        return attack(model, [TARGET], config, source=SOURCE, more=SOURCE, out=folder, progress=progress)

    outcomes = twice(run, device, folder / "evidence.sqlite").outcomes
    return {one.attacker: np.nan if one.test is None else one.test for one in outcomes}


def measured(device: str, folder: Path) -> Values:
    """Proxies and short trainings of a few functions: mean accuracy, mean of each proxy."""
    config = MeasureConfig(
        "nasbench201",
        ProxySettings(("snip", "nwot", "synflow"), width=4, depth=1, side=8),
        TrainingConfig(epochs=4, width=8, side=8, examples=400),
        sample=6,
    )
    store = folder / "store.sqlite"
    with executor_for(workers_for(device)) as executor:
        twice(
            lambda progress: measure(
                [SOURCE], config, store=store, executor=executor, progress=progress, device=device
            ),
            device,
            store,
        )
    known = EvidenceStore(store).read()
    accuracies = [one.value for key, one in known.items() if key.measure == "short_accuracy" and one.status == "valid"]
    return {"short accuracy": float(np.mean(accuracies))}


def transferred(device: str, folder: Path) -> Values:
    """A table of transfer, with estimates from the weights: mean of each kind of value."""
    config = TransferConfig(architectures=2, side=8, source_epochs=8, target_epochs=8)
    store = folder / "store.sqlite"
    with executor_for(workers_for(device)) as executor:

        def run(progress: Progress) -> None:
            kinds = {"store": store, "executor": executor, "progress": progress, "device": device}
            transfer([SOURCE], [TARGET], config, out=folder / "t.npz", weights=folder / "weights", **kinds)

        twice(run, device, store)
    found: dict[str, list[float]] = {}
    for key, one in EvidenceStore(store).read().items():
        if key.measure.endswith("_accuracy") and one.status == "valid":
            found.setdefault(f"{key.measure} {key.split}", []).append(one.value)
    return {name: float(np.mean(values)) for name, values in found.items()}


CHECKS = (
    Check("scores", scores, 2e-2, exact=True),
    Check("losses", first_losses, 3e-2, relative=True, exact=True),
    Check("trainings", trainings, 0.1),
    Check("probes", probes, 0.03, exact=True),
    Check("proxies", proxies, 1e-2, relative=True, exact=True),
    Check("plan", planned, 0.0),
    Check("lock", locked, 0.15),
    Check("attack", attacked, 0.15),
    Check("measure", measured, 0.1),
    Check("transfer", transferred, 0.15),
)

if __name__ == "__main__":
    sys.exit(main())
