"""Meet recorded locks again with attackers who mean it: make the models anew and let a panel loose on them.

    python docs/reread_locks.py --data path/to/images --pair 334332,314004 --target gtsrb --out runs/reread

A pair is the source-only architecture and the locked one, both of NAS-Bench-201. They are trained with every seed as
the run did that found them (source CIFAR-10, 4,000 images of 16 x 16, width 8, 10 epochs), so no run is needed. Writes
``result.json`` and ``report.html``; the same command goes on where it was stopped.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from archlock.attacks import PANEL_NAMES, panel_named
from archlock.cli.progress import progress_on
from archlock.evidence import EvidenceStore
from archlock.models import build, count_flops, count_parameters
from archlock.recipes.attackers import Suite, attack_plan
from archlock.recipes.suite import run_suite
from archlock.recipes.suite_jobs import Defended
from archlock.recipes.task_records import Attacked, target_record, task_record, versions
from archlock.reports import AttackRecord, ModelRecord, Role, render_html, to_json
from archlock.seeding import derive_seed
from archlock.spaces import SPACES
from archlock.tasks import Task, conform, npz, subsample
from archlock.training import Plan, Trained, evaluate, fit

SIDE, WIDTH, EXAMPLES, SEEDS = 16, 8, 4000, 3
PLAN = Plan(10, flip=True)


def main() -> None:
    """Train, attack, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with cifar10.npz and the targets")
    parser.add_argument("--pair", required=True, help="codes of the source-only and the locked architecture")
    parser.add_argument("--target", action="append", required=True, help="name of an archive; may be repeated")
    parser.add_argument("--panel", choices=PANEL_NAMES, default="patient")
    parser.add_argument("--fractions", default="100", help="percent of the target's data")
    parser.add_argument("--seen", action="store_true", help="the search that found the lock knew the first target")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    source = subsample(_small(given.data / "cifar10.npz"), EXAMPLES, seed=0)
    targets = {name: _small(given.data / f"{name}.npz") for name in given.target}
    models: dict[Role, tuple[Trained, ...]] = {
        role: _trained(code, source)
        for role, code in zip(("source_only", "locked"), given.pair.split(","), strict=True)
    }
    panel = panel_named(given.panel)
    fractions = tuple(float(part) / 100 for part in given.fractions.split(","))
    largest = max(len(task.train) for task in targets.values())
    suite = Suite(attack_plan(largest), panel.attackers, fractions, SEEDS, horizons=panel.horizons)
    codes = dict(zip(("source_only", "locked"), given.pair.split(","), strict=True))
    defended = [
        Defended(role, f"nasbench201:{codes[role]}", tuple(one.model for one in copies))
        for role, copies in models.items()
    ]
    with progress_on(Console(stderr=True), quiet=False) as progress:
        outcomes = run_suite(
            defended, targets, suite, store=EvidenceStore(given.out / "evidence.sqlite"), progress=progress,
            workers=given.workers, seed=0, device="cpu",
        )  # fmt: skip
    record = AttackRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=0,
        command=f"python docs/reread_locks.py --pair {given.pair} "
        + " ".join(f"--target {name}" for name in targets)
        + f" --panel {given.panel} --fractions {given.fractions}",
        versions=versions(),
        source=task_record(source),
        models=tuple(_model(role, codes[role], models[role], source) for role in ("locked", "source_only")),
        targets=tuple(
            target_record(name, Attacked(task, seen_by_search=given.seen and place == 0))
            for place, (name, task) in enumerate(targets.items())
        ),
        outcomes=outcomes,
        spent_seconds={"attacks": sum(outcome.seconds for outcome in outcomes)},
    )
    to_json(given.out / "result.json", record)
    (given.out / "report.html").write_text(render_html(record), encoding="utf-8")


def _small(path: Path) -> Task:
    return conform(npz(path), (3, SIDE, SIDE))


def _trained(code: str, source: Task) -> tuple[Trained, ...]:
    """One training for each seed."""
    architecture = SPACES["nasbench201"].architecture(code)
    found = []
    for number in range(SEEDS):
        seed = derive_seed(0, "training", number)
        model = build(architecture, source.signature, width=WIDTH, depth=1, seed=seed)
        found.append(fit(model, source, PLAN, seed=seed))
    return tuple(found)


def _model(role: Role, code: str, copies: tuple[Trained, ...], source: Task) -> ModelRecord:
    space = SPACES["nasbench201"]
    return ModelRecord(
        role=role,
        space="nasbench201",
        code=code,
        official_string=space.official_string(space.architecture(code)),
        parameters=count_parameters(copies[0].model),
        multiply_adds=count_flops(copies[0].model, source.shape) // 2,
        width=WIDTH,
        depth=1,
        source_validation=tuple(one.validation for one in copies),
        source_test=tuple(evaluate(one.model, source.test) for one in copies),
    )


if __name__ == "__main__":
    main()
