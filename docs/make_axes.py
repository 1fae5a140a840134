"""Write a section of docs/findings.md: which choices of architecture lock, where weights are worth something.

    python docs/make_axes.py measure --out runs/axes   # rows land one by one; run again to go on
    python docs/make_axes.py write --out runs/axes

Source: pictures of the letters of a made-up alphabet. Targets: another alphabet, and handwritten digits, with three
pictures of each class. One skeleton of ``locking_macro`` and all that differ from it on one axis are trained, and
attacked by those who pick the best layer, fit the head first, or renormalise, each as long as it pays; beside them
cells of NAS-Bench-201 spread over sizes and shortcuts.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from findings_of_runs import AXES, put_section, row
from scipy.stats import pearsonr

from archlock.cli.options import stderr
from archlock.cli.progress import progress_on
from archlock.execution import executor_for
from archlock.recipes import TransferConfig, transfer
from archlock.recipes.transfer.design import spread_out
from archlock.reports.statistics import Estimate, estimate
from archlock.spaces import SPACES
from archlock.spaces.locking_skeleton import AXES as SKELETON_AXES
from archlock.tables import Table, open_by_name_or_path
from archlock.tasks import open_task

SOURCE = "letters:0"
TARGETS = ("letters:1", "digits")
BASE = "stem3-whole-late-3stages-1cell-rising-straight-batch-shortcuts-relu-pair"
ATTACKERS = ("best_layer_probe", "lp_ft", "renormalised", "from_scratch", "ordinary")
SEEDS = {"skeletons": 3, "cells": 2}
CELLS = 16
CONFIG = TransferConfig(
    "locking_macro",
    width=16,
    side=12,
    source_examples=3000,
    source_epochs=10,
    source_rate=0.1,
    source_clip=1.0,
    attackers=ATTACKERS,
    shots=3,
    horizon=4.0,
)

INTRODUCTION = """`python docs/make_axes.py`. Source: 3,000 pictures of the letters of a made-up alphabet (`letters:0`,
12 x 12 pixels, 20 classes), ten epochs, width 16, {seeds} seeds. Targets: another alphabet and scikit-learn's digits,
three pictures of each class. Attackers: best layer, head first, renormalised, each with a sweep of rates and up to four
times as long as long as it pays; the strongest by validation counts. Test images, 95 % intervals (t over seeds,
paired). All of it is drawn or tiny: it says what can be, not what is true of photographs.
"""


@dataclass(frozen=True)
class Scores:
    """Test accuracies of a table, by seed and architecture (seeds x architectures)."""

    codes: tuple[str, ...]
    source: np.ndarray
    strongest: dict[str, np.ndarray]
    """By target: of who is best by validation among those who start from the weights."""
    scratch: dict[str, np.ndarray]
    ordinary: dict[str, np.ndarray]
    """Of an ordinary network, the same for all architectures."""


def main() -> None:
    """Measure what is missing, or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    measuring = verbs.add_parser("measure", help="train and attack what is not there yet")
    measuring.add_argument("--only", choices=tuple(SEEDS), action="append", help="instead of both")
    measuring.add_argument("--minutes", type=float, default=None, help="begin nothing new after so long")
    measuring.add_argument("--workers", type=int, default=2)
    for one in (measuring, verbs.add_parser("write", help="make the section of what is finished")):
        one.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    if given.verb == "write":
        put_section(AXES, "\n".join(said(given.out)))
        return
    for kind in given.only or SEEDS:
        measure(kind, given)


def config_of(kind: str) -> TransferConfig:
    """The skeletons that differ on one axis, or cells."""
    if kind == "skeletons":
        space = SPACES["locking_macro"]
        base = space.parse(BASE)
        different = {space.simplify(one): one for one in (base, *space.neighbours(base))}
        return replace(CONFIG, codes=tuple(one.code for one in different.values()), seeds=SEEDS[kind])
    cells = spread_out(SPACES["nasbench201"], CELLS, seed=0)
    return replace(CONFIG, space="nasbench201", codes=tuple(one.code for one in cells), seeds=SEEDS[kind])


def measure(kind: str, given: argparse.Namespace) -> None:
    """Into ``kind.npz``, from a store beside it."""
    given.out.mkdir(parents=True, exist_ok=True)
    with progress_on(stderr(), quiet=False) as progress:
        transfer(
            [open_task(SOURCE)],
            [open_task(text) for text in TARGETS],
            config_of(kind),
            store=given.out / f"{kind}.sqlite",
            out=given.out / f"{kind}.npz",
            executor=executor_for(given.workers),
            minutes=given.minutes,
            progress=progress,
            command="python docs/make_axes.py measure",
        )


def scores_of(table: Table) -> Scores:
    """What the columns of single seeds say; a seed that is not complete is left out."""
    names = {column.name for column in table.columns}
    source, *_ = {source for source, _ in table.pairs}
    targets = [target for _, target in table.pairs]

    def runs(stem: str) -> np.ndarray:
        found = [table.recorded(table.column(f"{stem}_seed{n}")) for n in range(9) if f"{stem}_seed{n}" in names]
        return np.array([run for run in found if np.isfinite(run).mean() > 0.5])

    return Scores(
        table.codes,
        runs(f"{source}_source_test"),
        {target: runs(f"{target}_from_{source}_strongest_test") for target in targets},
        {target: runs(f"{target}_from_scratch_test") for target in targets},
        {target: runs(f"{target}_ordinary_test") for target in targets},
    )


def said(out: Path) -> Iterator[str]:
    """What the weights are worth, every axis, and what repeats."""
    skeletons = scores_of(open_by_name_or_path(str(out / "skeletons.npz")))
    base = skeletons.codes.index(SPACES["locking_macro"].simplify(SPACES["locking_macro"].parse(BASE)).code)
    seeds = len(skeletons.source)
    yield INTRODUCTION.format(seeds=seeds)
    for target, strongest in skeletons.strongest.items():
        alone = np.maximum(skeletons.scratch[target][:, base], skeletons.ordinary[target][:, base])
        own, without = (percent(estimate(values.tolist())) for values in (strongest[:, base], alone))
        worth = points(estimate((strongest[:, base] - alone).tolist()))
        yield f"* {target}: attackers get {own} from the base skeleton and {without} without its weights, which are"
        yield f"  worth {worth} points."
    source = percent(estimate(skeletons.source[:, base].tolist()))
    yield f"\nBase: `{BASE}`, {source} on the source. What changes with one axis, in points:\n"
    targets = list(skeletons.strongest)
    heads = ["instead", "source", *targets]
    yield row(heads)
    yield row(["---"] * len(heads))
    for name, place in sorted(levels_of(skeletons.codes, base), key=lambda one: order(skeletons, one[1], base)):
        changes = [skeletons.source, *(skeletons.strongest[target] for target in targets)]
        yield row([name, *(points(estimate((each[:, place] - each[:, base]).tolist())) for each in changes)])
    yield ""
    yield from repeats("Skeletons one axis away", skeletons)
    if (out / "cells.npz").exists():
        cells = scores_of(open_by_name_or_path(str(out / "cells.npz")))
        yield from repeats(f"{len(cells.codes)} cells of NAS-Bench-201", cells)


def order(scores: Scores, place: int, base: int) -> float:
    """Mean change over targets: what takes most comes first."""
    return float(np.mean([(each[:, place] - each[:, base]).mean() for each in scores.strongest.values()]))


def levels_of(codes: Sequence[str], base: int) -> Iterator[tuple[str, int]]:
    """Every architecture but the base, by the one level in which it differs."""
    for place, code in enumerate(codes):
        different = [
            f"{axis.name}: {axis.levels[int(digit)]}"
            for axis, digit, usual in zip(SKELETON_AXES, code, codes[base], strict=True)
            if digit != usual
        ]
        if different:
            yield ", ".join(different), place


def repeats(what: str, scores: Scores) -> Iterator[str]:
    """Whether what attackers get beyond what the source score says is the same in two trainings, and on two targets."""
    parts = []
    beyond = {}
    for target, strongest in scores.strongest.items():
        runs = [residual(run, own) for run, own in zip(strongest, scores.source, strict=True)]
        beyond[target] = np.mean(runs, axis=0)
        pairs = [correlation(runs[i], runs[j]) for i in range(len(runs)) for j in range(i)]
        spread = 100 * float(np.std(beyond[target]))
        parts.append(f"{target} {np.mean(pairs):.2f} (spread of the mean {spread:.1f} points)")
    both = correlation(*beyond.values())
    yield f"* {what}: what attackers get beyond what the source score foretells correlates between two trainings at"
    yield f"  {', '.join(parts)}; between the two targets at {both:.2f}."


def residual(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Values less a straight line over the source score."""
    return values - np.polyval(np.polyfit(own, values, 1), own)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson."""
    return float(pearsonr(one, other).statistic)


def percent(found: Estimate) -> str:
    """A mean in percent."""
    return f"{100 * found.mean:.1f} %"


def points(found: Estimate) -> str:
    """A difference in points, with its interval."""
    if found.low is None or found.high is None:
        return f"{100 * found.mean:+.1f}"
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


if __name__ == "__main__":
    main()
