"""Write docs/findings.md: what recorded transfer and a real attack say about architecture locks.

    python docs/make_findings.py --table transfer201 --run runs/cifar10 --run runs/cifar10/attacks/gtsrb

The first part is made of a table of ``archlock transfer``, the second of a finished ``archlock lock`` or ``archlock
attack`` run. A few minutes on two processors, most of them for the evaluation of our schemes on the table.
"""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
from findings_of_runs import (
    KEPT,
    PAGE,
    UNDER_ATTACK,
    attacked,
    away,
    kept_sections,
    row,
    shown,
)
from scipy.stats import spearmanr

from archlock.cli.options import stderr
from archlock.cli.progress import progress_on
from archlock.patterns import common_patterns, pair_patterns
from archlock.preferences import Column, EvidenceTable, ScoreModel
from archlock.preferences.normal_scores import normal_scores
from archlock.progress import Progress
from archlock.recipes import EvaluateConfig, chosen_contenders, evaluate
from archlock.reports import between, lock_score_text, share_kept
from archlock.reports.statistics import estimate
from archlock.seeding import rng_for
from archlock.tables import Allowance, Table, open_by_name_or_path, percentiles

DRAWS = 400
FLOOR = 0.9
"""Source floor of the evaluation on the small table, as a share."""
FEWEST = 20
"""Architectures with two trainings, without which nothing is said of another training."""
PRICES = (0.005, 0.01, 0.02, 0.05)


WRITTEN_DOWN = """## A run that was written down before

[What was asked and how](preregistration.md) was fixed first; this is the one run, made once, with the figures of its
report. Source MNIST, known target Omniglot (by alphabet), 15 minutes planned, everything at 16 x 16 pixels, three
trainings and three attack seeds. Test accuracy of the strongest of four attacks with all the target's data, chosen by
validation, in %:

| target | chance | source-only | locked | random | same-size random | taken (points) |
|---|---|---|---|---|---|---|
| Omniglot (known) | 19.4 | 79.1 | 79.2 | 75.9 | 77.9 | -0.1 (-5.3 to 5.1) |
| CIFAR-100 | 1.0 | 6.5 | 5.9 | 6.3 | 6.6 | 0.6 (-3.1 to 4.4) |
| Tiny ImageNet, 16 classes | 6.3 | 30.5 | 28.1 | 29.8 | 30.4 | 2.5 (-0.7 to 5.6) |

1. *Does the lock hold on the known target?* No. It takes nothing, and less than the random architecture (-3.3, -6.0 to
   -0.6).
2. *On the two that the search never saw, together?* Not measurably: 1.5 points (-0.9 to 4.0) against the source-only
   model, 1.1 (-0.1 to 2.2) against the random one.
3. *Is the floor kept?* Yes: 98.3 against 98.7 %, and one point was allowed.

Training from scratch reaches 70 to 74 % on Omniglot without any weights, so there was little to take away. The machine
was busy with other work while this ran; that costs a plan in minutes candidates, and it changes no figure.

"""
IN_SHORT = """## In short

Written by hand after the figures below.

* **Read this first.** Two locks of before were [met again](#what-the-weights-are-worth) by attackers who mean it: they
  sweep rates until the best is inside, undo what hinders fine-tuning, take the best layer, and train until it pays no
  more. Their figures replace those of the first audits, which are [kept below](#a-lock-under-attack).
* **What weights are worth depends on patience more than on the lock.** At 16 pixels and 4,000 source images, traffic
  signs with 1,376 images: after a short training the weights of the source-only model are worth 45 points over nobody
  having them. After four times as long they are worth 3 (-6 to 13), after sixteen times nothing (-7 to 7), because an
  ordinary network that never saw the model gets to 84 % by itself. There was nothing to lock.
* **Where much was learned and little data is at hand, weights are worth a lot.** ResNet-20, trained on all 50,000
  images of CIFAR-10, and 500 training images of traffic signs: 62 points (57 to 67) over nobody having it after a short
  training, 37 (26 to 47) after four times as long; with 50 images 16 (5 to 27). That is the regime for a lock, and
  none was sought there yet.
* **Where weights are worth a lot, the skeleton decides some of it.** Letters of one made-up alphabet, then of another
  with three pictures of each: weights are worth 41 points (26 to 56) to attackers who are patient. No normalisation
  takes 16 of them (11 to 21) and costs 8 on the source; a waist before the head takes 8 and costs 3, not certain with
  three seeds. What attackers get beyond what the source score foretells correlates at 0.45 between two trainings.
* **There, networks differ in what attackers get where the target asks for it.** Of 60 networks of `locking_macro` on
  all of CIFAR-10, 20 were trained twice. What the strongest attack with five images a class gets from traffic signs
  [beyond what the source foretells](#does-architecture-lock-where-weights-are-worth-something) repeats between two
  trainings at 0.59 (0.33 to 0.85), a spread of 3.6 points; from steel defects (0.21, -0.27 to 0.66), clothes and Tiny
  ImageNet it does not. Two targets do not agree (-0.13), so nothing here locks against a target that nobody names.
  Stages that get narrower cost no source accuracy and take 3.0 points (1.3 to 4.4) from traffic signs.
* **With its target known, a lock takes a third of the worth for a point of source. So does a network by lot.** Traffic
  signs known, two points of source allowed, five images a class, attackers who are patient, three trainings of all
  ([all runs](#locks-where-weights-are-worth-something)): the source-only network (72.6 % of CIFAR-10) is worth 15.0
  points (12.2 to 17.9) to them. The locked one (71.9 %) takes 5.7 of these (2.8 to 8.6), 38 %; of clothes nothing, of
  steel defects 6.9 (-9.5 to 23.4). A random one (71.2 %) takes 7.2 (-7.9 to 22.3). What protects is to leave the best
  network on the source, no merit of the search. Where strides fall may be why: rehearsed at full size, six networks
  with late ones give 38 to 55 % (mean 49), five with early ones 39 to 44 (mean 42). The table does not show that.
* **Three searches came to that lock, and only the last one has it.** The first took nothing (-1.3, -4.7 to 2.0), though
  a network by lot that cost 4.5 points took 15.0 of 18.7. The second took 1.8 (-3.6 to 7.2), and a network by lot the
  5.7. The source-only search had trained that one, and nobody had looked at what attackers get from it. Now the search
  against targets looks, which costs no training, and it was chosen by validation. But this was built after the test
  figures of the second run were seen, and recorded trainings of CIFAR-10 itself had told the last two runs where to
  begin. It has to hold on another source before it counts.
* **With nothing known, that search finds no lock.** It rehearsed attacks on simulated stand-ins, two points of source
  allowed, and chose the source-only network itself: of all that it trained above the floor, stand-ins get least from
  it. So it takes nothing of the three targets that it never saw. The network by lot takes 5.7 of the 15.0 points of
  traffic signs (2.8 to 8.6), 6.9 of 25.9 of steel defects (-9.5 to 23.4), none of clothes. What is little for stand-ins
  is not what is little for others, as the table says (targets agree at -0.13).
* **A rehearsed attack foretells what a long adaptation does, at a quarter of its price.** Evidence of short trainings
  ranks what the strongest attack gets from 32 of these networks at 0.27 (a rehearsal, 0.9 seconds a target) and 0.23
  (adaptation, 3.3 seconds). After one epoch of all images it is 0.39 and 0.50 (15 networks): the source score itself is
  known better then (0.81, not 0.50). So a lock of a source with 18,000 images now buys such epochs. Nothing cheap
  foretells much of what is beyond the source score (0.10 to 0.34).
* **With the target known, the lock takes time, not knowledge.** After a short training it takes 34 of those 45 points
  (28 to 39). After four times as long it takes nothing outside the noise (-6 to 13), after sixteen times nothing. Every
  attacker by itself still loses 7 to 24 points to it. But the one who needs no model is then the better one.
  With less data the short training is worth less, and the lock takes nearly all of it: 28 of 31 points with 30 %.
* **With the target unknown, next to nothing is taken**: 4 points (1 to 8) after a short training, 1 (-3 to 6) after
  four times as long. The first audit had said nine, by attackers who swept too few rates.
* **The one run that was [written down before it was made](#a-run-that-was-written-down-before)** found no lock: the
  strongest attack on the known target gets 79.2 % from the locked model, 79.1 % from the source-only one and 75.9 %
  from a random architecture.
* **The recorded table is too small and too noisy for a source floor.** Chosen by one training and judged by another,
  our search keeps a floor of percentile 90 in about a quarter of its runs on `transfer201`. So does the search for the
  source alone, and no baseline does better. The earlier lock score of 0.74 was luck that was chosen and judged alike.
* **Honest users** keep the source accuracy, less what the floor allows. Trained on with more of the source, the lock
  with the target unknown gains 1 point where the other model gains 3 (not certain). The lock with the target known
  gains as much as the other model.
* **What does source accuracy buy?** With the target known and judged by another training, 1 point buys 1.8 points of
  a fine-tuning attacker's accuracy on the recorded table, 2 buy 3.5 and 5 buy 6.6; a random architecture at the same
  price takes 0.2, 0.8 and 1.2.
* **From scratch foretells fine-tuning about as well as another fine-tuning does** (0.56 and 0.51 over 152
  architectures), and 0.84 when the noise of both is taken out: at this size, most of what repeats is how well an
  architecture learns the target at all. No published transferability estimate comes near; LEEP is the best of them.
* **The state of a model foretells little that its source accuracy does not.** Over 32 trained networks source accuracy
  ranks what head first, then all gets from traffic signs at 0.93; collapse does at 0.90, effective rank at 0.61. With
  source accuracy taken out none of the state measures is surely above zero but the tunnel, barely (0.06).
* **No architecture transfers badly everywhere.** Two targets after the same source agree weakly on which
  architectures are bad to fine-tune. Recorded transfer between other tasks foretells a new pair at 0.36; what is
  chosen by that is not surely worse than a random one.
* **Half of a network can go for two points.** ResNet-20 on CIFAR-10 keeps 70 % of its channels for 0.8 points and half
  of them for [2.4](#what-compaction-costs), by HESSO; by magnitude it is 1.7 and 2.8 with the same training.
* **Compaction is no lock, and robustness opens none.** With 70 % of their channels left two networks give attackers who
  have five images a class [what they gave before](#does-compaction-lock-does-robustness-unlock) (-0.9 to 1.6 points,
  no interval without zero). With half of them it is 0 to 5 points less, where the owner loses 3; with 30 % up to 11
  less, where the owner loses 8 to 9: what attackers lose is what everybody loses. Trained against an adversary the
  networks give them 1 to 8 points less and cost their owner 14 to 15. Three seeds each.
* **A condition number is no robustness.** Trained against an adversary a small network is right about 30 to 33 % of
  CIFAR-10 images within 4/255, where a plainly trained one is right about 5 %; the constraint of TSCNC makes the
  condition numbers of its layers [three to four times smaller](#a-hard-and-sparse-network) and adds no robust accuracy
  (-0.4, -1.3 and -1.2 points at three sparsities, five seeds; the interval of none is above 1.1).
* **A running model is an open book to whoever sees its operators.** Their durations alone give the sequence of
  operators of a stranger with 3 % errors, with sizes of allocations 1 %; which of thirty networks runs is read without
  an error. A remote user, who only times calls, names the family of four networks in ten, and the right one of thirty
  networks at 93 %, but calls one stranger of five by a known name.
* **Hiding costs a third and makes an open book hard to read, not closed.** Allowed to be 1.5 times as slow, four
  networks of which durations betrayed everything (skeleton errors of 0 to 9 %) are read with 29 to 53 % errors by a
  reader who knows how they were hidden, unseen networks with 26 to 28 % where it was 7; allowed twice the time it is
  little more. Folding normalisation alone fools who does not know (36 to 49 %), and nearly nobody who does. Groups of 8
  channels in place of depthwise convolutions: 8 to 14 % instead of none, 1.1 to 1.4 times as slow, no accuracy lost
  that two seeds could show.
* **What locks**, as far as the table shows: no direct connection from the input of a cell to its output (in all
  twelve pairs), no 3x3 convolution into the output, few paths.
* **What would make locks hold better**: a regime in which weights are worth something to a patient attacker (larger
  sources, better networks, fewer images of the target); knowing the target, or closer stand-ins for it; several
  trainings for every decision; finalists well inside the floor, not only at its edge.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One pair of a table of transfer: arrays over its architectures."""

    source_name: str
    target_name: str
    source: np.ndarray
    fine_tuned: np.ndarray
    chosen_by: np.ndarray
    """Fine-tuned accuracy on the validation split."""
    fine_tuned_seeds: tuple[np.ndarray, ...]
    scratch_seeds: tuple[np.ndarray, ...]
    signs: dict[str, np.ndarray]
    """What might foretell the fine-tuned accuracy, by name."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="transfer201", help="name of a table of transfer, or its file")
    parser.add_argument(
        "--run", type=Path, action="append", help="finished lock or attack run on both models; may be repeated"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/findings"), help="where the evaluation is kept")
    parser.add_argument("--seeds", type=int, default=20)
    given = parser.parse_args()
    table = open_by_name_or_path(given.table)
    pairs = [pair_of(table, source, target) for source, target in table.pairs]
    with progress_on(stderr(), quiet=False) as progress:
        schemes = evaluated(table, given.out, given.seeds, progress)
    parts = [
        introduction(table),
        prediction(pairs),
        everywhere(table, pairs),
        prices(pairs),
        taught(table, pairs),
        schemes,
        locking(table),
    ]
    if given.run:
        parts += [UNDER_ATTACK, *map(attacked, given.run)]
    PAGE.write_text("\n".join(parts).rstrip() + "\n", encoding="utf-8")


def pair_of(table: Table, source: str, target: str) -> Pair:
    """The arrays of one pair; what the table does not have is left out."""

    def recorded(name: str) -> np.ndarray:
        return table.recorded(table.column(name))

    names = {column.name for column in table.columns}

    def repeated(stem: str) -> tuple[np.ndarray, ...]:
        return tuple(recorded(f"{stem}_seed{seed}") for seed in range(9) if f"{stem}_seed{seed}" in names)

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
        recorded(f"{target}_from_{source}_fine_tune_validation"),
        repeated(stem),
        repeated(f"{target}_scratch_test"),
        {label: recorded(name) for label, name in signs.items() if name in names},
    )


def bootstrapped(statistic: Callable[[np.ndarray], float], size: int) -> tuple[float, float, float]:
    """The statistic of all architectures (given as rows), and its 95 % percentile bootstrap interval over them."""
    rng = np.random.default_rng(0)
    whole = statistic(np.arange(size))
    if np.isnan(whole):
        return whole, whole, whole
    low, high = np.nanpercentile([statistic(rng.integers(0, size, size)) for _ in range(DRAWS)], [2.5, 97.5])
    return whole, float(low), float(high)


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman over the rows where both are there; NaN below ten of them, or where one is constant."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 10 or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return float("nan")
    return float(spearmanr(one[both], other[both]).statistic)


def mean_of(values: Iterable[float]) -> float:
    """Mean of the values that exist; NaN if none does."""
    there = [value for value in values if not np.isnan(value)]
    return float(np.mean(there)) if there else float("nan")


def introduction(table: Table) -> str:
    counted = f"{len(table.codes)} functions of NAS-Bench-201"
    return f"""# Findings

Written by `python docs/make_findings.py`; do not edit. What ArchLock has measured about architecture locks, with the
commands. Small scale: read the intervals. In brackets are 95 % intervals.

{IN_SHORT}
{WRITTEN_DOWN}{kept_sections(*KEPT)}## A recorded table of transfer

`{table.name}` comes with the package: {counted}, each trained on sources, then probed and
fine-tuned on targets, and trained on the targets from scratch. `archlock tables show {table.name}` has the columns.

{table.provenance.note}
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
        lambda rows, name=name: mean_of(sign(pair, name, rows) for pair in pairs) for name in names
    ]
    means.append(lambda rows: mean_of(noise(pair, rows) for pair in pairs))
    lines.append(row(["**mean of pairs**", *(shown(bootstrapped(mean, size)) for mean in means)]))
    return "\n".join(
        [
            "### Does from-scratch accuracy on the target predict fine-tuned accuracy?",
            "",
            "Spearman over all architectures with the test accuracy after full fine-tuning. *Another seed* is the "
            "noise ceiling: how well one fine-tuned training foretells the next (the other columns are of means over "
            f"{max(1, len(pairs[0].fine_tuned_seeds))} trainings).",
            "",
            *lines,
            "",
            *corrected(pairs, size),
        ]
    )


def corrected(pairs: list[Pair], size: int) -> list[str]:
    """What from scratch would foretell if trainings had no noise; nothing without a second training."""
    if any(len(seeds) < 2 for pair in pairs for seeds in (pair.fine_tuned_seeds, pair.scratch_seeds)):
        return []

    def reliability(seeds: tuple[np.ndarray, ...], rows: np.ndarray) -> float:
        alone = rank_correlation(seeds[0][rows], seeds[1][rows])
        return 2 * alone / (1 + alone)

    def statistic(rows: np.ndarray) -> float:
        met = mean_of(rank_correlation(pair.signs["from scratch"][rows], pair.fine_tuned[rows]) for pair in pairs)
        kinds = [(pair.fine_tuned_seeds, pair.scratch_seeds) for pair in pairs]
        most = mean_of(np.sqrt(max(0.0, reliability(a, rows) * reliability(b, rows))) for a, b in kinds)
        return met / most

    return [
        "Corrected for the noise of both (divided by the root of their reliabilities, Spearman and Brown 1910), from "
        f"scratch has {shown(bootstrapped(statistic, size))} in the mean of the pairs: 1 would be the same order.",
        "",
    ]


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
            lambda rows, group=group: mean_of(
                rank_correlation(one.fine_tuned[rows], other.fine_tuned[rows]) for one, other in combinations(group, 2)
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
    """What source accuracy buys."""
    heads = ["given up", "taken away", "a random one", "in another training", "by a linear probe", "on other targets"]
    lines = [row(["source accuracy given up, at most", *heads]), row(["---"] * (1 + len(heads)))]
    for price in PRICES:
        same = [bought(pair, pair.chosen_by, pair.fine_tuned, price) for pair in pairs]
        probes = [bought(pair, pair.chosen_by, pair.signs["linear probe"], price)[1] for pair in pairs]
        elsewhere = [
            bought(pair, pair.chosen_by, other.fine_tuned, price)[1]
            for pair, other in permutations(pairs, 2)
            if pair.source_name == other.source_name
        ]
        other = [
            bought(pair, one, two, price)
            for pair in pairs
            for one, two in permutations(pair.fine_tuned_seeds[:2], 2)
            if np.isfinite(one + two).sum() >= FEWEST
        ]
        given, taken, chance = (100 * np.mean(values) for values in zip(*same, strict=True))
        again = f"{100 * np.mean([taken for _, taken, _ in other]):.1f}" if other else "-"
        others = [f"{100 * np.mean(values):.1f}" for values in (probes, elsewhere)]
        lines.append(row([f"{100 * price:g} points", f"{given:.1f}", f"{taken:.1f}", f"{chance:.1f}", again, *others]))
    return "\n".join(
        [
            "### What does a little source accuracy buy?",
            "",
            "Against the architecture that is best on the source (S): of those within the price, the one whose "
            "fine-tuning is lowest on the known target by validation, judged by the test score of the same "
            "trainings, so that part of it is the luck of these; and *a random one* within the price. "
            f"{twice_trained(pairs)}*By a linear probe* and *on other targets*: what the same choice takes from a "
            "linear probe on that target, and from fine-tuning on the other targets after the same source, which had "
            "no say. Points of accuracy taken from the attacker, means over all pairs.",
            "",
            *lines,
            "",
        ]
    )


def twice_trained(pairs: list[Pair]) -> str:
    """Says what the last column is about."""
    counts = [np.isfinite(sum(pair.fine_tuned_seeds[:2])).sum() for pair in pairs if pair.fine_tuned_seeds[1:]]
    enough = [count for count in counts if count >= FEWEST]
    if not enough:
        return "A second training, to judge without that luck, is not recorded yet. "
    return (
        "*In another training*: the one that one training shows to be lowest, judged by another one "
        f"(the {min(enough)} architectures and {len(enough)} pairs that have two). "
    )


def bought(pair: Pair, chosen_by: np.ndarray, judged_by: np.ndarray, price: float) -> tuple[float, float, float]:
    """Source accuracy given up, target accuracy taken away, and what a random choice within the price takes away."""
    there = np.flatnonzero(np.isfinite(chosen_by + judged_by + pair.source))
    top = there[np.argmax(pair.source[there])]
    kept = there[pair.source[there] >= pair.source[top] - price]
    chosen = kept[np.argmin(chosen_by[kept])]
    random = float(np.mean(judged_by[kept]))
    return pair.source[top] - pair.source[chosen], judged_by[top] - judged_by[chosen], judged_by[top] - random


def taught(table: Table, pairs: list[Pair]) -> str:
    """What recorded transfer between other tasks says of a pair that it does not contain."""
    lines = [row(["source to target", "pairs to learn from", "Spearman", "lowest foretold", "a random one"])]
    lines.append(row(["---"] * 5))
    agreements, lower = [], []
    for pair in pairs:
        tasks = {pair.source_name, pair.target_name}
        others = [one for one in pairs if tasks.isdisjoint((one.source_name, one.target_name))]
        foretold = out_of_fold(table, np.mean([standings(one.fine_tuned) for one in others], axis=0))
        standing = percentiles(pair.fine_tuned)
        kept = np.flatnonzero(percentiles(pair.source) >= 100 * FLOOR)
        lowest, usual = standing[kept[np.argmin(foretold[kept])]], float(np.mean(standing[kept]))
        agreements.append(rank_correlation(foretold, pair.fine_tuned))
        lower.append((usual - lowest) / 100)
        name = f"{pair.source_name} to {pair.target_name}"
        lines.append(row([name, str(len(others)), number(agreements[-1]), f"{lowest:.0f}", f"{usual:.0f}"]))
    mean, gain = estimate(agreements), estimate(lower)
    lines.append(row(["**mean of pairs**", "", away(mean, 1, ".2f"), f"{away(gain)} lower than random", ""]))
    return "\n".join(
        [
            "### What does recorded transfer between other tasks teach about a new target?",
            "",
            "For every pair a score model learns, from the structure of nine tenths of the architectures, their mean "
            "fine-tuned standing over the pairs that share no task with it, and foretells the last tenth: how well "
            f"that agrees, and where the lowest foretold of the best {100 - 100 * FLOOR:.0f} % on the source stands "
            "(percentile). Intervals over pairs, which share tasks: read them as too narrow. This is what the "
            "preference `transferred` rests on.",
            "",
            *lines,
            "",
        ]
    )


def standings(values: np.ndarray) -> np.ndarray:
    """Normal scores; of a training that failed, that of the lowest."""
    return normal_scores(np.where(np.isfinite(values), values, np.nanmin(values)))


def out_of_fold(table: Table, values: np.ndarray, folds: int = 10) -> np.ndarray:
    """Values of all architectures, each foretold by a score model that has not seen its own."""
    order = rng_for(0, "findings", "folds").permutation(len(values))
    foretold = np.empty(len(values))
    for fold in range(folds):
        left_out = np.sort(order[fold::folds])
        seen = np.setdiff1d(order, left_out)
        evidence = EvidenceTable(
            tuple(table.architectures[place] for place in seen), (Column("others", "standing"),), values[seen, None]
        )
        model = ScoreModel(evidence, table.space)
        foretold[left_out] = model.scores([table.architectures[place] for place in left_out])[0]
    return foretold


def evaluated(table: Table, out: Path, seeds: int, progress: Progress) -> str:
    """Our schemes and baselines on the table."""
    methods = {
        "s": ("lock",),
        "tk": ("lock", "ridge"),
        "tu": ("lock", "ridge", "structure_feasible", "random_feasible"),
    }
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
        target = one.target_percentile
        cells = [f"{one.source_percentile:.1f}", share_kept(one.kept), f"{target.mean:.1f} ({between(target)})"]
        lines.append(row([f"`{one.method}`", *cells, lock_score_text(one)]))
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
        standing = [percentiles(table.scores(table.judge(*asked))) for asked in ((source,), (target, source))]
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


def number(value: float) -> str:
    """Two decimals, or a dash for what does not exist."""
    return "-" if np.isnan(value) else f"{value:.2f}"


if __name__ == "__main__":
    main()
