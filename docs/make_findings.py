"""Write docs/findings.md: what recorded transfer and a real attack say about architecture locks.

    python docs/make_findings.py --table transfer201 --run runs/cifar10

The first part is made of a table of ``archlock transfer``, the second of a finished ``archlock lock`` or ``archlock
attack`` run. A few minutes on two processors, most of them for the evaluation of our schemes on the table.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from archlock.cli.options import stderr
from archlock.cli.progress import progress_on
from archlock.patterns import common_patterns, pair_patterns
from archlock.progress import Progress
from archlock.recipes import EvaluateConfig, chosen_contenders, evaluate
from archlock.reports import Interval, LockRecord, from_json, render_card
from archlock.tables import Allowance, Table, open_by_name_or_path, percentiles

PAGE = Path(__file__).parent / "findings.md"
DRAWS = 1000
FLOOR = 0.9
"""Source floor of the evaluation on the small table, as a share."""
PRICES = (0.0, 0.005, 0.01, 0.02, 0.05)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One pair of a table of transfer: arrays over its architectures."""

    source_name: str
    target_name: str
    source: np.ndarray
    fine_tuned: np.ndarray
    fine_tuned_seeds: tuple[np.ndarray, ...]
    signs: dict[str, np.ndarray]
    """What might foretell the fine-tuned accuracy, by name."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="transfer201", help="name of a table of transfer, or its file")
    parser.add_argument("--run", type=Path, help="directory of a finished lock run, shown as the real attack")
    parser.add_argument("--out", type=Path, default=Path("runs/findings"), help="where the evaluation is kept")
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    table = open_by_name_or_path(given.table)
    pairs = [pair_of(table, source, target) for source, target in table.pairs]
    with progress_on(stderr()) as progress:
        schemes = evaluated(table, given.out, given.seeds, progress)
    parts = [introduction(table), prediction(pairs), everywhere(table, pairs), prices(pairs), schemes, locking(table)]
    if given.run is not None:
        parts.append(attacked(given.run))
    PAGE.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def pair_of(table: Table, source: str, target: str) -> Pair:
    """The arrays of one pair; what the table does not have is left out."""

    def recorded(name: str) -> np.ndarray:
        return table.recorded(table.column(name))

    names = {column.name for column in table.columns}
    stem = f"{target}_from_{source}_fine_tune_test"
    signs = {
        "from scratch": f"{target}_scratch_test",
        "linear probe": f"{target}_from_{source}_probe_test",
        "source accuracy": f"{source}_source_test",
        "parameters": "parameters",
    }
    signs |= {c.metric: c.name for c in table.columns if c.role == "proxy" and (c.task, c.start) == (target, source)}
    return Pair(
        source,
        target,
        recorded(f"{source}_source_test"),
        recorded(stem),
        tuple(recorded(f"{stem}_seed{seed}") for seed in range(9) if f"{stem}_seed{seed}" in names),
        {label: recorded(name) for label, name in signs.items() if name in names},
    )


def bootstrapped(statistic: Callable[[np.ndarray], float], size: int) -> tuple[float, float, float]:
    """The statistic of all architectures (given as rows), and its 95 % percentile bootstrap interval over them."""
    rng = np.random.default_rng(0)
    draws = [statistic(rng.integers(0, size, size)) for _ in range(DRAWS)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return statistic(np.arange(size)), float(low), float(high)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman over the rows where both are there; NaN below ten of them, or where one is constant."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 10 or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return float("nan")
    return float(spearmanr(one[both], other[both]).statistic)


def shown(estimate: tuple[float, float, float], form: str = ".2f") -> str:
    """``0.45 (0.30 to 0.58)``."""
    value, low, high = (format(one, form) for one in estimate)
    return f"{value} ({low} to {high})"


def introduction(table: Table) -> str:
    counted = f"{len(table.codes)} functions of NAS-Bench-201"
    return f"""# Findings

Written by `python docs/make_findings.py`; do not edit. What ArchLock has measured about architecture locks, with the
commands. Small scale: read the intervals. In brackets are 95 % intervals.

## A recorded table of transfer

`{table.name}` comes with the package: {counted}, each trained on sources, then probed and fine-tuned on targets,
and trained on the targets from scratch. {table.provenance.note}
"""


def prediction(pairs: list[Pair]) -> str:
    """What foretells fine-tuned accuracy."""
    size = len(pairs[0].source)
    names = list(dict.fromkeys(name for pair in pairs for name in pair.signs))
    header = ["source to target", *names, "another seed"]
    lines = [row(header), row(["---"] * len(header))]

    def noise(pair: Pair, rows: np.ndarray) -> float:
        if len(pair.fine_tuned_seeds) < 2:
            return float("nan")
        one, other = (values[rows] for values in pair.fine_tuned_seeds[:2])
        return rank_correlation(one, other)

    def sign(pair: Pair, name: str, rows: np.ndarray) -> float:
        return rank_correlation(pair.signs[name][rows], pair.fine_tuned[rows]) if name in pair.signs else float("nan")

    for pair in pairs:
        cells = [sign(pair, name, np.arange(size)) for name in names] + [noise(pair, np.arange(size))]
        lines.append(row([f"{pair.source_name} to {pair.target_name}", *(number(cell) for cell in cells)]))
    means: list[Callable[[np.ndarray], float]] = [
        lambda rows, name=name: float(np.nanmean([sign(pair, name, rows) for pair in pairs])) for name in names
    ]
    means.append(lambda rows: float(np.nanmean([noise(pair, rows) for pair in pairs])))
    lines.append(row(["**mean of pairs**", *(shown(bootstrapped(mean, size)) for mean in means)]))
    return "\n".join(
        [
            "### Does from-scratch accuracy on the target predict fine-tuned accuracy?",
            "",
            "Spearman over all architectures with the test accuracy after full fine-tuning. *Another seed* is the "
            "noise ceiling: how well one fine-tuned training foretells the next.",
            "",
            *lines,
            "",
        ]
    )


def everywhere(table: Table, pairs: list[Pair]) -> str:
    """Is there an architecture that transfers badly everywhere?"""
    size = len(pairs[0].source)
    by_source: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_source.setdefault(pair.source_name, []).append(pair)
    lines = [row(["source", "agreement of targets", "lowest by the other targets", "standing there", "points lost"])]
    lines.append(row(["---"] * 5))
    for source, group in by_source.items():
        agreement = bootstrapped(
            lambda rows, group=group: float(
                np.nanmean(
                    [
                        rank_correlation(one.fine_tuned[rows], other.fine_tuned[rows])
                        for place, one in enumerate(group)
                        for other in group[place + 1 :]
                    ]
                )
            ),
            size,
        )
        kept = np.flatnonzero(percentiles(group[0].source) >= 100 * FLOOR)
        found = []
        for left_out in group:
            others = [percentiles(pair.fine_tuned) for pair in group if pair is not left_out]
            chosen = kept[np.argmin(np.mean(others, axis=0)[kept])]
            standing = percentiles(left_out.fine_tuned)
            lost = np.nanmean(left_out.fine_tuned[kept]) - left_out.fine_tuned[chosen]
            found.append((table.codes[chosen], standing[chosen], np.mean(standing[kept]), 100 * lost))
        codes = ", ".join(dict.fromkeys(f"`{code}`" for code, *_ in found))
        there, usual, lost = np.mean([rest for _, *rest in found], axis=0)
        lines.append(row([source, shown(agreement), codes, f"{there:.0f} (a random one: {usual:.0f})", f"{lost:.1f}"]))
    return "\n".join(
        [
            "### Is there an architecture that transfers badly everywhere?",
            "",
            "Agreement: mean Spearman of fine-tuned accuracy between two targets after the same source. Then, "
            f"for every target: of the architectures in the best {100 - 100 * FLOOR:.0f} % on the source, the one that "
            "is lowest on the *other* targets; its standing on the target that had no say (percentile, mean over "
            "targets), and what that takes from a fine-tuning attacker against a random one of them (points).",
            "",
            *lines,
            "",
        ]
    )


def prices(pairs: list[Pair]) -> str:
    """What source accuracy buys, chosen by one training and judged by another."""
    lines = [row(["source accuracy given up, at most", "given up", "taken away, target known", "chance alone"])]
    lines.append(row(["---"] * 4))
    for price in PRICES[1:]:
        given, taken, chance = [], [], []
        for pair, chosen_by, judged_by in choices(pairs):
            best = np.nanmax(pair.source)
            kept = np.flatnonzero(pair.source >= best - price)
            top = int(np.nanargmax(pair.source))
            chosen = kept[np.nanargmin(chosen_by[kept])]
            given.append(best - pair.source[chosen])
            taken.append(judged_by[top] - judged_by[chosen])
            chance.append(judged_by[top] - np.nanmean(judged_by[kept]))
        cells = [f"{100 * price:g} points", *(f"{100 * np.mean(values):.1f}" for values in (given, taken, chance))]
        lines.append(row(cells))
    return "\n".join(
        [
            "### What does a little source accuracy buy?",
            "",
            "Against the architecture that is best on the source (S): of those within the price, the one that one "
            "fine-tuning shows to be lowest on the known target, judged by another (the validation score chooses, the "
            "test score judges; where there are two seeds, one chooses and the other judges). *Chance alone*: a random "
            "one within the price. Points of accuracy, means over all pairs.",
            "",
            *lines,
            "",
        ]
    )


def choices(pairs: list[Pair]) -> Iterator[tuple[Pair, np.ndarray, np.ndarray]]:
    """Each pair with what chooses and what judges; both ways where there are two seeds."""
    for pair in pairs:
        if len(pair.fine_tuned_seeds) > 1:
            whole = np.isfinite(pair.fine_tuned_seeds[0]) & np.isfinite(pair.fine_tuned_seeds[1])
            one, other = (np.where(whole, values, np.nan) for values in pair.fine_tuned_seeds[:2])
            yield pair, one, other
            yield pair, other, one
        else:
            yield pair, pair.fine_tuned, pair.fine_tuned


def evaluated(table: Table, out: Path, seeds: int, progress: Progress) -> str:
    """Our schemes and baselines on the table."""
    methods = {"s": ("lock",), "tk": ("lock", "ridge"), "tu": ("lock", "ridge", "structure_given", "random_given")}
    contenders = tuple(
        contender
        for scheme, names in methods.items()
        for contender in chosen_contenders((scheme,), names, evidence="few_shot", allowance=Allowance(40, 20))
    )
    config = EvaluateConfig(contenders=contenders, seeds=seeds, floor=FLOOR, patterns=False)
    result = evaluate(table, config, out=out, progress=progress, command=f"archlock evaluate --table {table.name}")
    lines = [row(["method", "source percentile", "floor kept", "target percentile", "lock score"])]
    lines.append(row(["---"] * 5))
    for one in result.summary.methods:
        score = one.lock_score_of_means
        cells = [f"{one.source_percentile:.1f}", f"{100 * one.kept:.0f} %", bounds(one.target_percentile)]
        lines.append(row([f"`{one.method}`", *cells, "-" if score is None else bounds(score, ".2f")]))
    scale = result.summary.scale
    lines.append(row(["random feasible", "", "", f"{scale.random_feasible:.1f}", "0"]))
    lines.append(row(["lowest feasible", "", "", f"{scale.tk_floor:.1f}", "1"]))
    return "\n".join(
        [
            "### Does the lock that our search finds hold on this table?",
            "",
            f"`archlock evaluate --table {table.name} --budget 40+20 --floor {100 * FLOOR:g} --seeds {seeds}`: "
            "standing on the target is that of the *fine-tuned* accuracy. In `tu` no column of the target is seen.",
            "",
            *lines,
            "",
        ]
    )


def locking(table: Table) -> str:
    """Which operations and paths go with a low fine-tuned standing."""
    found = {}
    for source, target in table.pairs:
        standing = [percentiles(table.scores(table.truth(*asked))) for asked in ((source,), (target, source))]
        found[source, target] = pair_patterns(table.space, table.architectures, *standing, floor=50)
    lines = [row(["structure", "effect on the target percentile", "pairs with this sign"]), row(["---"] * 3)]
    for pattern in common_patterns(found)[:12]:
        effect = shown((pattern.effect, pattern.low, pattern.high), "+.1f")
        lines.append(row([pattern.name, effect, f"{100 * pattern.agreement:.0f} %"]))
    return "\n".join(
        [
            "### Which operations and paths lock?",
            "",
            "Among the better half on the source: percentile points of fine-tuned accuracy that go with one more of "
            "it, at the same source percentile; negative locks. Means over pairs, intervals over tasks.",
            "",
            *lines,
            "",
        ]
    )


def attacked(run: Path) -> str:
    """The real attack, as the model card of the run tells it."""
    record = from_json(run / "result.json")
    if not isinstance(record, LockRecord):
        raise SystemExit(f"{run} holds no lock run")
    return f"## A lock under attack\n\n```\n{record.command}\n```\n\n{render_card(record)}"


def row(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def bounds(found: Interval, form: str = ".1f") -> str:
    return shown((found.mean, found.low, found.high), form)


def number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


if __name__ == "__main__":
    main()
