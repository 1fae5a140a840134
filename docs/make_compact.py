"""Make one network smaller by several methods, shares and seeds, and print the table of what is left of it.

    PYTHONPATH=tests python docs/make_compact.py WEIGHTS.safetensors --module shared_networks:resnet20 --size 32 \
        --source DATA.npz --flip --out runs/compact

Every run is a directory of ``archlock compact`` and is taken up where it was; what is finished is read. With
``--table`` nothing is computed.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

import archlock
from archlock.recipes import CompactConfig, compact, parse_share
from archlock.reports import CompactRecord, compact_from_json
from archlock.tasks import Task

METHODS = ("hesso", "magnitude", "taylor", "hesso-cric")
SHARES = ("70%", "50%")


def folder_of(out: Path, method: str, share: str, seed: int) -> Path:
    """Where a run lies."""
    return out / f"{method}-{share.rstrip('%')}-{seed}"


def table(out: Path, methods: tuple[str, ...], shares: tuple[str, ...], seeds: int) -> str:
    """Mean test accuracy of what is finished, and its difference from the whole network in points, by seed."""
    lines = [
        "| method | keep | units | test % | points, by seed | MACs | file | faster |",
        "|---|---|---|---|---|---|---|---|",
    ]
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
        f"{test:.1f}",
        ", ".join(f"{one:+.1f}" for one in lost),
        *(f"{one:.2f}x" for one in ratios),
    )
    return f"| {' | '.join(cells)} |"


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
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    methods, shares = tuple(asked.methods.split(",")), tuple(asked.shares.split(","))
    if not asked.table:
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
