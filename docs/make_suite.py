"""Write the tables of docs/how-to/nas-bench-360.md: ``python docs/make_suite.py --data FOLDER --out FOLDER``.

Trains cells of NAS-Bench-201 on what stands for the tasks of NAS-Bench-360, one training a cell and task, each kept in
``--out`` when it is done, so that the same command goes on where it was stopped and ``--only`` shares the work between
processes. The published figures beside them are of the benchmark's own data (Tu et al. 2022; means of three seeds, as
its repository has them).
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from archlock.execution import one_thread
from archlock.models import build, count_parameters
from archlock.records import write_json
from archlock.spaces import SPACES
from archlock.tasks import NASBENCH360, Scoring, open_task, scored
from archlock.training import Plan, evaluate, fit

PAGE = Path(__file__).parent / "how-to" / "nas-bench-360.md"
BEGIN, END = "<!-- made by docs/make_suite.py -->", "<!-- end -->"
CELLS = ("333333", "222222")
WIDTH, DEPTH, SEED = 8, 1, 0


@dataclass(frozen=True)
class StandIn:
    """What is trained on, and how it differs from the task of the benchmark."""

    text: str
    words: str
    epochs: int = 10
    batch_size: int = 64
    score: str = ""


STAND_INS = {
    "cifar100": StandIn("{data}/images/cifar100.npz", "3,000 and 1,000 of the same images, re-encoded"),
    "spherical": StandIn("spherical:{data}/images/cifar100.npz", "made of these by the same construction"),
    "ninapro": StandIn(
        "{data}/signals/emg_gestures.npz?layout=NCL", "8 muscle sensors x 8 steps, 4 gestures: other data"
    ),
    "fsd50k": StandIn("mixtures:{data}/signals/spoken_digits.npz", "two spoken digits at once, 10 labels: other data"),
    "darcy": StandIn("darcy:43?train=400", "the same equation at 43 x 43, 400 fields to train on", 20, 16),
    "ecg": StandIn(
        "{data}/signals/ecg5000.npz?layout=NCL", "single heartbeats, 5 classes: other data", score="macro_f1"
    ),
}

PUBLISHED: dict[str, tuple[str, ...]] = {
    "cifar100": ("23.35", "24.02", "70.04", "84.83"),
    "spherical": ("85.77", "48.23", "82.57", "96.92"),
    "darcy": ("0.073", "0.026", "0.240", "0.085"),
    "psicov": ("3.84", "2.94", "8.06", "-"),
    "cosmic": ("51.76", "31.15", "100", "46.26"),
    "ninapro": ("6.78", "17.67", "22.22", "21.90"),
    "fsd50k": ("0.92", "0.94", "0.72", "0.98"),
    "ecg": ("0.43", "0.34", "0.66", "0.56"),
    "satellite": ("15.49", "12.51", "15.93", "36.36"),
    "deepsea": ("0.40", "0.36", "0.38", "0.50"),
}
"""Wide ResNet-16-4 (ResNet-18 of one dimension), DARTS (GAEA), Perceiver IO, XGBoost; lower is better."""


def main() -> None:
    """Train what is missing, and write the page where everything is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with images/ and signals/")
    parser.add_argument("--out", type=Path, required=True, help="where finished trainings are kept")
    parser.add_argument("--only", action="append", choices=list(STAND_INS), help="train on these alone")
    given = parser.parse_args()
    for name in given.only or STAND_INS:
        for cell in CELLS:
            file = given.out / f"{name}-{cell}.json"
            if not file.exists():
                write_json(file, trained(name, cell, given.data))
                sys.stderr.write(f"{name} {cell}: {json.loads(file.read_text())['test']:.4f}\n")
    found = {file.stem: json.loads(file.read_text()) for file in sorted(given.out.glob("*.json"))}
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{table(found)}\n\n{END}{tail}", encoding="utf-8")


def trained(name: str, cell: str, data: Path) -> dict[str, Any]:
    """Test score of one training, with what it cost."""
    stand_in = STAND_INS[name]
    task = open_task(stand_in.text.format(data=data), seed=SEED)
    if stand_in.score:
        task = scored(task, Scoring(stand_in.score))
    shift = 0.125 if task.traits.moves else 0.0
    with one_thread():
        model = build(SPACES["nasbench201"].architecture(cell), task.signature, width=WIDTH, depth=DEPTH, seed=SEED)
        began = time.process_time()
        plan = Plan(stand_in.epochs, batch_size=stand_in.batch_size, shift=shift)
        found = fit(model, task, plan, seed=SEED)
        return {
            "test": evaluate(found.model, task.test),
            "chance": task.chance,
            "parameters": count_parameters(model),
            "examples": [len(task.train), len(task.validation), len(task.test)],
            "seconds": time.process_time() - began,
            "stand_in": asdict(stand_in),
        }


def table(found: dict[str, dict[str, Any]]) -> str:
    """One row a task: ours on the stand-in, and what is published for the benchmark's data."""
    heads = ["task", "published metric, lower is better", "WRN", "DARTS (GAEA)", "Perceiver IO", "XGBoost"]
    heads += ["what stands for it here", *(f"`{cell}`" for cell in CELLS), "constant answer"]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for name, task in NASBENCH360.items():
        cells = [found.get(f"{name}-{cell}") for cell in CELLS]
        words = STAND_INS[name].words if name in STAND_INS else "nothing"
        chance = next((_as_published(name, one["chance"]) for one in cells if one), "-")
        scores = [_as_published(name, one["test"]) if one else "-" for one in cells]
        lines.append(_row([task.title, task.metric, *PUBLISHED[name], words, *scores, chance]))
    seconds = sum(one["seconds"] for one in found.values())
    sizes = ", ".join(f"{name} {' + '.join(f'{n:,}' for n in _any(found, name)['examples'])}" for name in _there(found))
    said = (
        f"Width {WIDTH}, depth {DEPTH}, one seed, {len(found)} trainings, {seconds / 60:.1f} minutes of one processor "
        f"in all: ten epochs of the default plan, of Darcy flow twenty with batches of 16. Examples (train + "
        f"validation + test): {sizes}."
    )
    return "\n".join([*lines, "", said])


def _there(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name in STAND_INS if any(key.startswith(f"{name}-") for key in found)]


def _any(found: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for key, one in found.items() if key.startswith(f"{name}-"))


def _as_published(name: str, score: float) -> str:
    """A score, where higher is better, in the metric of the benchmark."""
    return f"{100 * (1 - score):.2f}" if "%" in NASBENCH360[name].metric else f"{1 - score:.3f}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
