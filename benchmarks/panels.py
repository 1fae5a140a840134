"""What the informed panel costs against the naive one, and what preparing once saves.

    python benchmarks/panels.py [--json FILE] [--examples 500] [--epochs 6] [--side 16] [--repeats 2]

Every attacker of a panel makes its whole sweep, with one seed, on a small network that was trained on half of the
digits; processor time, one thread, the panels in turns. The second line is one attack at three equal settings: each
adapted from the beginning, as before there was ``prepare``, against prepared once; both make the same models.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from archlock.attacks import ATTACKS, Attack, panel_named
from archlock.execution import one_thread
from archlock.models import build
from archlock.recipes.attackers import attack_plan
from archlock.spaces import SPACES
from archlock.tasks import Task, conform, subsample
from archlock.testing.small_tasks import small_digits
from archlock.training import Plan, fit

Way = Callable[[Attack, nn.Module, Task, Plan], None]


def main() -> None:
    """Time, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--side", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=2)
    given = parser.parse_args()
    shape = (1, given.side, given.side)
    source = conform(small_digits(train=400, validation=60, test=20, labels=(0, 1, 2, 3, 4)), shape)
    target = conform(small_digits(train=700, validation=100, test=60, labels=(5, 6, 7, 8, 9)), shape)
    target = subsample(target, min(given.examples, len(target.train)), seed=0)
    architecture = SPACES["nasbench201"].architecture("333131")
    plan = attack_plan(len(target.train), given.epochs)
    with one_thread(), torch.random.fork_rng():
        model = fit(build(architecture, source.signature, width=8, depth=1, seed=0), source, Plan(4), seed=0).model
        figures = _panels(model, target, plan, given.repeats) | _sharing(model, target, plan, given.repeats)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))


def _panels(model: nn.Module, target: Task, plan: Plan, repeats: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {"naive": [], "informed": []}
    best: dict[str, float] = {}
    for _ in range(repeats):
        for name, taken in seconds.items():
            attackers = [ATTACKS[one] for one in panel_named(name).attackers]
            began = time.process_time()
            outcomes = [attack.run(model, target, plan=plan, seed=0) for attack in attackers]
            taken.append(time.process_time() - began)
            best[name] = max(outcomes, key=lambda outcome: outcome.validation).test
    naive, informed = (statistics.median(seconds[name]) for name in ("naive", "informed"))
    print(
        f"panels   naive {naive:7.1f} s ({100 * best['naive']:.1f} %)  informed {informed:7.1f} s "
        f"({100 * best['informed']:.1f} %)  ratio {informed / naive:.2f}"
    )
    return {"naive_seconds": naive, "informed_seconds": informed, "ratio": informed / naive}


def _sharing(model: nn.Module, target: Task, plan: Plan, repeats: int) -> dict[str, float]:
    found = {}
    for name in ("linear_probe", "lp_ft", "renormalised"):
        taken: dict[Way, list[float]] = {_each_alone: [], _prepared: []}
        for _ in range(repeats):
            for way, seconds in taken.items():
                began = time.process_time()
                way(ATTACKS[name], model, target, plan)
                seconds.append(time.process_time() - began)
        alone, shared = (statistics.median(seconds) for seconds in taken.values())
        print(f"{name:16} each alone {alone:6.2f} s  prepared once {shared:6.2f} s  ratio {alone / shared:.2f}")
        found[f"{name}_ratio"] = alone / shared
    return found


def _values(attack: Attack) -> list[float]:
    return [setting.value for setting in attack.starts() if setting.optimiser == "sgd"]


def _each_alone(attack: Attack, model: nn.Module, target: Task, plan: Plan) -> None:
    for value in _values(attack):
        attack.adapt(model, target, setting=value, plan=plan, seed=0, device="cpu")


def _prepared(attack: Attack, model: nn.Module, target: Task, plan: Plan) -> None:
    trial = attack.prepare(model, target, seed=0, device="cpu")
    for value in _values(attack):
        trial(value, plan)


if __name__ == "__main__":
    main()
