"""Write a section of docs/findings.md: does the state of a trained model foretell what attackers get out of it?

    python docs/make_state.py --weights transfer/weights --source cifar10_full.npz --target gtsrb.npz --out runs/state

``--weights`` is what ``archlock transfer --weights`` kept, a folder of a space in it each. Every source model is read
as its owner can read it (``archlock measure --state`` on images of the source) and attacked with a few images of the
target. Rows are kept in ``--out``: the same command goes on where it was stopped.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from findings_of_runs import STATE, put_section, row, shown
from make_findings import bootstrapped, rank_correlation

from archlock.attacks import ATTACKS
from archlock.errors import MeasurementError
from archlock.models import build, load_weights
from archlock.recipes import measure_state
from archlock.recipes.attackers import attack_plan
from archlock.spaces import SPACES
from archlock.tasks import Task, conform, few_of_each, npz
from archlock.training import evaluate

SIDE, WIDTH, READ, SHOTS = 16, 16, 1000, 10
ATTACKERS = ("best_layer_probe", "lp_ft", "from_scratch")


def main() -> None:
    """Measure what is missing, then write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    rows = measured(given.weights, _small(given.source), _small(given.target), given.out / "state.jsonl")
    put_section(STATE, "\n".join(section(rows, given.source.stem, given.target.stem)))


def measured(weights: Path, source: Task, target: Task, out: Path) -> list[dict[str, Any]]:
    """A row for every trained model: its state on the source, and what attackers reach on the target."""
    known = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    done = {(one["space"], one["file"]) for one in known}
    few = few_of_each(target, SHOTS, seed=0)
    for path in sorted(weights.glob(f"*/{source.name}/*.safetensors")):
        space, code = path.parts[-3], path.stem.rpartition("-")[0]
        if (space, path.stem) in done:
            continue
        architecture = SPACES[space].architecture(code)
        model = load_weights(build(architecture, source.signature, width=WIDTH, depth=1, seed=0), path).eval()
        try:
            state = measure_state(model, source, examples=READ)
        except MeasurementError:  # (a network that has learned nothing)
            continue
        found = {"space": space, "file": path.stem, "source_test": evaluate(model, source.test)}
        found |= {one.name: None if np.isnan(one.value) else one.value for one in state.values}
        for name in ATTACKERS:
            attack = ATTACKS[name]
            met = attack.run(model, few, plan=attack_plan(len(few.train)), settings=attack.settings, seed=0)
            found |= {f"{name}_validation": met.validation, f"{name}_test": met.test}
        known.append(found)
        with out.open("a") as file:
            file.write(json.dumps(found) + "\n")
    return known


def section(rows: list[dict[str, Any]], source: str, target: str) -> Iterator[str]:
    """Rank correlations with what attackers reach, over all models."""
    by_space = {space: sum(one["space"] == space for one in rows) for space in sorted({one["space"] for one in rows})}
    accuracies = [100 * one["source_test"] for one in rows]
    yield (
        f"`python docs/make_state.py`: {len(rows)} networks ({_counted(by_space)}) trained on 40,000 images of "
        f"{source} at {SIDE} pixels, width {WIDTH}, 8 epochs ({min(accuracies):.0f} to {max(accuracies):.0f} % there). "
        f"State: on {READ:,} images of the source, so the owner can measure it. Attack: {SHOTS} images a class of "
        f"{target}, one length, the usual settings. Rank correlations with test accuracy after the attack, 95 % "
        "bootstrap intervals over networks; in the last column what is left when source accuracy is taken out (partial "
        "rank correlation).\n"
    )
    yield row(["measured", "best-layer probe", "head first, then all", "head first, source accuracy taken out"])
    yield row(["---"] * 4)
    names = [name for name in rows[0] if name not in {"space", "file"} and not name.endswith(("_validation", "_test"))]
    for name in ("source_test", *names, "best_layer_probe_validation", "from_scratch_test"):
        values = _column(rows, name)
        cells = [shown(_interval(values, _column(rows, f"{attack}_test"))) for attack in ATTACKERS[:2]]
        cells.append(shown(_partial(values, _column(rows, "lp_ft_test"), _column(rows, "source_test"))))
        yield row([name.replace("_", " "), *cells])
    yield ""


def _counted(by_space: dict[str, int]) -> str:
    return " and ".join(f"{count} of `{space}`" for space, count in by_space.items())


def _column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    return np.array([np.nan if one[name] is None else one[name] for one in rows], dtype=float)


def _interval(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    return bootstrapped(_over(rank_correlation, one, other), len(one))


def _partial(one: np.ndarray, other: np.ndarray, held: np.ndarray) -> tuple[float, float, float]:
    """Partial rank correlation: (r12 - r13 r23) / sqrt((1 - r13^2)(1 - r23^2))."""

    def partial(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        r12, r13, r23 = rank_correlation(a, b), rank_correlation(a, c), rank_correlation(b, c)
        scale = ((1 - r13**2) * (1 - r23**2)) ** 0.5
        return (r12 - r13 * r23) / scale if scale > 1e-6 else float("nan")

    return bootstrapped(_over(partial, one, other, held), len(one))


def _over(statistic: Callable[..., float], *columns: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda places: statistic(*(column[places] for column in columns))


def _small(path: Path) -> Task:
    return conform(npz(path), (3, SIDE, SIDE))


if __name__ == "__main__":
    main()
