"""Make one network smaller by several methods, shares and seeds: what is left of it, as a table.

    PYTHONPATH=tests python docs/make_compact.py WEIGHTS.safetensors --module shared_networks:resnet20 --size 32 \
        --source DATA.npz --flip --out runs/compact

Every run is a directory of ``archlock compact`` and is taken up where it was; what is finished is read. With
``--write`` nothing is computed: the table becomes a section of docs/findings.md.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from findings_of_runs import COMPACTED, put_section, row

import archlock
from archlock.recipes import CompactConfig, compact, parse_share
from archlock.reports import CompactRecord, compact_from_json
from archlock.reports.statistics import estimate
from archlock.tasks import Task

METHODS = ("hesso", "magnitude", "taylor", "hesso-cric")
SHARES = ("70%", "50%")


def folder_of(out: Path, method: str, share: str, seed: int) -> Path:
    """Where a run lies."""
    return out / f"{method}-{share.rstrip('%')}-{seed}"


def table(out: Path, methods: tuple[str, ...], shares: tuple[str, ...], seeds: int) -> str:
    """Mean test accuracy of what is finished, and its difference from the whole network in points."""
    heads = ("method", "keep", "units", "epochs", "test %", "points", "by seed", "MACs", "file", "faster")
    lines = [row(heads), row(["---"] * len(heads))]
    for share, method in itertools.product(shares, methods):
        paths = [folder_of(out, method, share, seed) / "compact.json" for seed in range(seeds)]
        found = [compact_from_json(path) for path in paths if path.exists()]
        if found:
            lines.append(_row(method, share, found))
    return "\n".join(lines)


def _row(method: str, share: str, found: list[CompactRecord]) -> str:
    first, lost = found[0], [100 * (one.test[1] - one.test[0]) for one in found]
    ratios = [
        np.mean([getattr(one.before, name) / getattr(one.after, name) for one in found])
        for name in ("macs", "weights_bytes", "latency_ms")
    ]
    test = 100 * np.mean([one.test[1] for one in found])
    cells = (
        method,
        share,
        f"{first.units[1]} of {first.units[0]}",
        str(sum(first.epochs)),
        f"{test:.1f}",
        between(lost),
        ", ".join(f"{one:+.1f}" for one in lost),
        *(f"{one:.2f}x" for one in ratios),
    )
    return row(cells)


def between(values: list[float]) -> str:
    """Mean and 95 % interval (t)."""
    found = estimate(values)
    bounds = "" if found.low is None or found.high is None else f" ({found.low:+.1f} to {found.high:+.1f})"
    return f"{found.mean:+.1f}{bounds}"


def said(out: Path, methods: tuple[str, ...], shares: tuple[str, ...], seeds: int) -> str:
    """The section."""
    folders = [folder_of(out, *one) / "compact.json" for one in itertools.product(methods, shares, range(seeds))]
    records = [compact_from_json(path) for path in folders if path.exists()]
    first = records[0]
    lines = [INTRODUCTION.format(model=first.model, source=first.source.name, whole=100 * first.test[0])]
    lines.append(table(out, methods, shares, seeds) + "\n")
    for share in shares:
        pair = [
            [folder_of(out, method, share, seed) / "compact.json" for seed in range(seeds)] for method in methods[:2]
        ]
        if len(pair) == 2 and all(path.exists() for paths in pair for path in paths):
            tests = [[compact_from_json(path).test[1] for path in paths] for paths in pair]
            apart = between([100 * (one - other) for one, other in zip(*tests, strict=True)])
            lines.append(f"* Keeping {share}: {methods[0]} above {methods[1]} by {apart} points, paired by seed.")
    return "\n".join(lines)


INTRODUCTION = """Written by `python docs/make_compact.py`. {model} ({whole:.1f} % on {source}) made smaller and trained
on, by seed; *units* are channels that can go, *points* are of test accuracy, with 95 % intervals (t over seeds). MACs,
file of weights and time of one image (PyTorch, one thread, on a busy machine): times smaller. Which units go is the
method's choice, so networks of as many units differ in cost.
"""


def main() -> None:
    """Run what is not there yet, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--module", required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--shares", default=",".join(SHARES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rate", type=float, help="peak learning rate; default: the recipe's own")
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--write", action="store_true", help="put what is finished on the page of findings")
    asked = parser.parse_args()
    methods, shares = tuple(asked.methods.split(",")), tuple(asked.shares.split(","))
    if asked.write:
        put_section(COMPACTED, said(asked.out, methods, shares, asked.seeds))
    else:
        opened = archlock.open_model(asked.model, factory=asked.module, size=(asked.size, asked.size))
        source: Task = opened.read(asked.source, seed=0)
        for seed, share, method in itertools.product(range(asked.seeds), shares, methods):
            config = CompactConfig(
                keep=parse_share(share),
                method=method,
                epochs=asked.epochs,
                rates=() if asked.rate is None else (asked.rate,),
                flip=asked.flip,
                runtime="torch",
                seed=seed,
                device=asked.device,
            )
            out = folder_of(asked.out, method, share, seed)
            record = compact(opened, source, config, out=out, factory=asked.module).record
            sys.stderr.write(f"{out.name}: test {record.test[0]:.4f} -> {record.test[1]:.4f}, {record.spent_seconds}\n")
    sys.stdout.write(table(asked.out, methods, shares, asked.seeds) + "\n")


if __name__ == "__main__":
    main()
